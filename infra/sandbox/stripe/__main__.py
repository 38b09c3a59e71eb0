"""`python -m infra.sandbox.stripe`: serves the stand-in on loopback until it is stopped.

Its secrets may come in variables, so that no process list shows them.
"""

import argparse
import os
from pathlib import Path

import uvicorn

from infra.sandbox.stripe.app import create_app
from infra.sandbox.stripe.config import Config, Endpoint

DEFAULT_PORT = 8794


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m infra.sandbox.stripe", description="A stateful stand-in for Stripe."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument(
        "--state", type=Path, default=Path(".sandbox/stripe.sqlite"), help="the file that holds everything"
    )
    parser.add_argument(
        "--secret-key",
        default=os.environ.get("STRIPE_SECRET_KEY"),
        help="the platform's key, or STRIPE_SECRET_KEY; any sk_test_ key when left out",
    )
    parser.add_argument("--client-id", help="the Connect application; any ca_ id when left out")
    parser.add_argument("--redirect-uri", action="append", default=[], help="may be given several times")
    for name, whose in (("--webhook", "the platform's own"), ("--connect-webhook", "connected accounts'")):
        variable = f"STRIPE_{name.removeprefix('--').replace('-', '_').upper()}"
        parser.add_argument(
            name,
            action="append",
            default=[Endpoint.parse(told) for told in (os.environ.get(variable),) if told],
            type=Endpoint.parse,
            metavar="URL=SECRET",
            help=f"gets {whose} events; or one in {variable}",
        )
    return parser.parse_args()


def main() -> None:
    given = arguments()
    config = Config(
        secret_key=given.secret_key,
        client_id=given.client_id,
        redirect_uris=tuple(given.redirect_uri),
        webhooks=tuple(given.webhook),
        connect_webhooks=tuple(given.connect_webhook),
    )
    uvicorn.run(
        create_app(given.state, config),
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
