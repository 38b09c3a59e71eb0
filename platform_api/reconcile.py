"""Reconciling the operator's billing: in the background of the service, and by `python -m platform_api reconcile`.

What is compared and healed is shared.billing.reconcile's.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.deps import BillingDeps, opened
from platform_api.settings import Settings
from shared.billing.reconcile import Finding


@asynccontextmanager
async def reconciling(billing: BillingDeps | None, every_seconds: float) -> AsyncIterator[None]:
    """Reconcile beside what is done inside; not at all without billing, or every 0 seconds."""
    if billing is None or not every_seconds:
        yield
        return
    task = asyncio.create_task(billing.reconcile.forever(every_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def command(settings: Settings, arguments: list[str]) -> int:
    """Reconcile once and print what was found. The exit code is 1 only when somebody could not be compared."""
    parser = argparse.ArgumentParser(prog="python -m platform_api reconcile")
    parser.add_argument("--user", help="only this developer")
    parser.add_argument("--dry-run", action="store_true", help="tell what differs and change nothing")
    asked = parser.parse_args(arguments)
    async with opened(settings) as deps:
        if deps.billing is None:
            print("Billing is not set up: there is nothing to reconcile.")  # noqa: T201 - a command talks
            return 1
        healed = failed = 0
        async for finding in _findings(deps.billing, asked.user, dry=asked.dry_run):
            healed, failed = healed + (finding.failed is None), failed + (finding.failed is not None)
            print(finding, flush=True)  # noqa: T201 - a command talks
        done = "would be healed" if asked.dry_run else "healed"
        print(f"{healed} {done}{f', {failed} could not be compared' if failed else ''}.")  # noqa: T201 - a command talks
        return 1 if failed else 0


async def _findings(billing: BillingDeps, user: str | None, *, dry: bool) -> AsyncIterator[Finding]:
    if user is None:
        async for finding in billing.reconcile.everything(dry=dry):
            yield finding
    elif (one := await billing.reconcile.one(user, dry=dry)) is not None:
        yield one
