"""`python -m platform_api` serves; `python -m platform_api reconcile` repairs billing once.

The only place where the environment is read.
"""

import asyncio
import sys

from starlette.applications import Starlette

from platform_api import app, reconcile
from platform_api.settings import load
from shared.web import log
from shared.web.serve import serve, settings_or_exit, spare_the_collector


def application() -> Starlette:
    """The app of one server process; uvicorn calls it in each."""
    settings = load()
    log.configure(settings.log_level, counted=settings.metrics_port is not None)
    return app.build(settings, started=spare_the_collector)


def main(arguments: list[str]) -> int:
    settings = settings_or_exit("platform_api", load)
    if arguments[:1] == ["reconcile"]:
        return asyncio.run(reconcile.command(settings, arguments[1:]))
    if arguments:
        print("usage: python -m platform_api [reconcile [--user ID] [--dry-run]]", file=sys.stderr)
        return 2
    serve("platform_api.__main__:application", settings, settings.port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
