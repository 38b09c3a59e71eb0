"""`python -m tenant_api recount`: recounts once what killed processes left open. Called by __main__."""

import argparse

from shared.domain.errors import Unavailable
from tenant_api.deps import opened
from tenant_api.recount import SILENT_SECONDS
from tenant_api.settings import Settings


async def command(settings: Settings, arguments: list[str]) -> int:
    """Recount once and print what was put right."""
    parser = argparse.ArgumentParser(prog="python -m tenant_api recount")
    parser.add_argument("--silent", type=float, default=SILENT_SECONDS, metavar="SECONDS", help="who is given up")
    asked = parser.parse_args(arguments)
    count = 0
    try:
        async with opened(settings) as deps:
            async for one in deps.recount.everything(asked.silent):
                count += 1
                print(f"{one.platform_id} {one.day}: put right", flush=True)  # noqa: T201 - a command talks
    except Unavailable as error:
        print(f"Stopped: {error.message}")  # noqa: T201 - a command talks
        return 1
    print(f"{count} days put right.")  # noqa: T201 - a command talks
    return 0
