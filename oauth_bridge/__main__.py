"""`python -m oauth_bridge` serves the bridge, worker included; `python -m oauth_bridge worker` is the worker alone.

Settings are read here and nowhere else.
"""

import asyncio
import signal
import sys
from contextlib import suppress

from starlette.applications import Starlette

from oauth_bridge import app
from oauth_bridge.deps import opened
from oauth_bridge.settings import Settings, load
from shared.web import log
from shared.web.serve import serve, settings_or_exit

USAGE = "usage: python -m oauth_bridge [worker]"


def application() -> Starlette:
    """The app of one server process; uvicorn calls it in each."""
    settings = load()
    log.configure(settings.log_level, counted=settings.metrics_port is not None)
    return app.build(settings)


async def run_worker(settings: Settings) -> None:
    """The worker without HTTP, until SIGTERM or SIGINT."""
    async with opened(settings) as deps:
        worker = asyncio.create_task(deps.worker.run())
        for stop in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(stop, worker.cancel)
        with suppress(asyncio.CancelledError):
            await worker


def main(arguments: list[str]) -> None:
    """Serve, or work."""
    if arguments not in ([], ["worker"]):
        raise SystemExit(USAGE)
    settings = settings_or_exit("oauth_bridge", load)
    if not arguments:
        serve("oauth_bridge.__main__:application", settings, settings.port)
        return
    log.configure(settings.log_level)
    asyncio.run(run_worker(settings))


if __name__ == "__main__":
    main(sys.argv[1:])
