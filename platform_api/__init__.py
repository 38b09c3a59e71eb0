"""The developers' API: their metered calls and their credentials. Owns platform-usage and platform-tokens."""
