"""A stateful stand-in for Stripe: the API, Connect OAuth, the hosted pages and signed webhooks, on one port.

`python -m infra.sandbox.stripe` serves it, the sandbox's supervisor and the tests start it. Everything it keeps is in
one SQLite file, so a stop at any moment loses nothing that was answered.
"""
