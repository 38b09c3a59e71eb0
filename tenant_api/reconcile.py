"""Reconciling end-users' billing: in the background of the service, and by `python -m tenant_api reconcile`.

What is compared and healed is shared.billing.reconcile's.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.billing.reconcile import Finding
from shared.billing.records import SHARDS, BillingRecords
from shared.domain.errors import Unavailable
from tenant_api.deps import BillingDeps, opened
from tenant_api.settings import Settings
from tenant_api.subjects import subject

PAGE = 50


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
    asked = _asked(arguments)
    async with opened(settings) as deps:
        if deps.billing is None:
            print("Billing is not set up: there is nothing to reconcile.")  # noqa: T201 - a command talks
            return 1
        healed = failed = 0
        try:
            async for finding in findings(deps.billing, asked.platform, asked.user, dry=asked.dry_run):
                healed, failed = healed + (finding.failed is None), failed + (finding.failed is not None)
                print(finding, flush=True)  # noqa: T201 - a command talks
        except Unavailable as error:
            print(f"Stopped: {error.message}")  # noqa: T201 - a command talks
            return 1
        done = "would be healed" if asked.dry_run else "healed"
        print(f"{healed} {done}, {failed} could not be compared.")  # noqa: T201 - a command talks
        return 1 if failed else 0


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tenant_api reconcile")
    parser.add_argument("--platform", metavar="plt_…", help="only this platform's end-users")
    parser.add_argument("--user", metavar="ID", help="only this end-user of the platform")
    parser.add_argument("--dry-run", action="store_true", help="tell what differs and change nothing")
    asked = parser.parse_args(arguments)
    if asked.user is not None and asked.platform is None:
        parser.error("--user needs --platform: two platforms' end-users may share an id")
    return asked


async def findings(
    billing: BillingDeps, platform_id: str | None, user_id: str | None, *, dry: bool
) -> AsyncIterator[Finding]:
    """What reconciling everybody, one platform's end-users or one of them finds."""
    if platform_id is None:
        async for finding in billing.reconcile.everything(dry=dry):
            yield finding
        return
    async for one in _subjects(billing.records, platform_id, user_id):
        found = await _one(billing, one, dry=dry)
        if found is not None:
            yield found
    if user_id is None:
        async for finding in billing.sweep.platform(platform_id, dry=dry):
            yield finding


async def _one(billing: BillingDeps, one: str, *, dry: bool) -> Finding | None:
    try:
        return await billing.reconcile.one(one, dry=dry)
    except Unavailable as error:
        return Finding(one, "", "", failed=error.message)


async def _subjects(records: BillingRecords, platform_id: str, user_id: str | None) -> AsyncIterator[str]:
    if user_id is not None:
        yield subject(platform_id, user_id)
        return
    beginning = subject(platform_id, "")
    for shard in range(SHARDS):
        after = beginning
        while page := await records.listed(shard, after, PAGE):
            after = page[-1]
            for one in page:
                if one.startswith(beginning):
                    yield one
            if not after.startswith(beginning):
                break
