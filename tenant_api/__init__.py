"""The end-users' API: calls counted and limited for developers' platforms, by their key or by a token."""
