"""Starlette pieces that every service uses: authentication header, body, errors, limit headers, log line, start."""
