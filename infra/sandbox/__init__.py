"""The whole product on one machine: an engine, a gate, stand-ins for Clerk, and the unmodified services.

`python -m infra.sandbox` starts it (make run). Everything listens on loopback; everything it keeps is in `.sandbox/`.
"""
