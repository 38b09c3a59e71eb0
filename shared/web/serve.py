"""Starting a service: settings read once, every unusable one told at once, then uvicorn until SIGTERM has drained.

Called by each service's __main__ and by nothing else.
"""

import gc
import sys
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from pydantic import ValidationError

from shared import metrics
from shared.settings import ServiceSettings, sentences
from shared.web import log
from shared.web.protocol import BoundedHttp

S = TypeVar("S", bound=ServiceSettings)

KEEP_ALIVE_SECONDS = 65  # above a load balancer's 60, or it meets closed connections
EXIT_UNUSABLE_SETTINGS = 2
YOUNG_OBJECTS = 20_000


def settings_or_exit(service: str, load: Callable[[], S]) -> S:
    """The settings, or one sentence for each that can't be used and exit code 2."""
    try:
        return load()
    except ValidationError as error:
        print(f"{service} can't start:", file=sys.stderr)  # noqa: T201 - the operator reads this, before logs exist
        for sentence in sentences(error):
            print(f"  {sentence}", file=sys.stderr)  # noqa: T201 - as above
        raise SystemExit(EXIT_UNUSABLE_SETTINGS) from None


def spare_the_collector() -> None:
    """Called once all is loaded, in each server process: none of that is garbage, and looking through it again and
    again costs a tenth of every call. Young objects are looked at less often too: nearly all end with their request.
    What outlives that (an end-user's lane) is looked at again in small portions: each is a pause for all callers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 4, 100)


def serve(factory: str, settings: ServiceSettings, port: int) -> None:
    """Serve the app that `factory` (`module:function`) builds, in as many processes as settings say."""
    log.configure(settings.log_level)
    if settings.metrics_port is not None:
        metrics.serve(settings.host, settings.metrics_port, settings.workers)
    uvicorn.run(
        factory,
        factory=True,
        host=settings.host,
        port=port,
        http=BoundedHttp,
        ws="none",
        workers=settings.workers,
        access_log=False,
        log_config=None,
        server_header=False,
        loop="uvloop",
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
