"""Clients that developers use from their own servers; each is one file to copy or install."""
