"""`python -m tenant_api` serves; `… reconcile` repairs billing once, `… recount` the figures of killed processes.

The only place where the environment is read.
"""

import asyncio
import sys

from starlette.applications import Starlette

from shared.web import log
from shared.web.serve import serve, settings_or_exit, spare_the_collector
from tenant_api import app, reconcile, recount_command
from tenant_api.settings import load


def application() -> Starlette:
    """The app of one server process; uvicorn calls it in each."""
    settings = load()
    log.configure(settings.log_level, counted=settings.metrics_port is not None)
    return app.build(settings, started=spare_the_collector)


def main(arguments: list[str]) -> int:
    settings = settings_or_exit("tenant_api", load)
    if arguments[:1] == ["reconcile"]:
        return asyncio.run(reconcile.command(settings, arguments[1:]))
    if arguments[:1] == ["recount"]:
        return asyncio.run(recount_command.command(settings, arguments[1:]))
    if arguments:
        usage = (
            "python -m tenant_api [reconcile [--platform plt_… [--user ID]] [--dry-run] | recount [--silent SECONDS]]"
        )
        print(f"usage: {usage}", file=sys.stderr)
        return 2
    serve("tenant_api.__main__:application", settings, settings.port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
