"""Starlette pieces that every service uses: authentication header, body, errors, limits, log line, pages, start."""
