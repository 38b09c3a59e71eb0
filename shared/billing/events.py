"""Webhook events, each worked on once: claimed by id before the work, marked done after it.

Called by each service's stripe_events.py. A crash leaves a claim whose lease runs out, so that the next delivery does
the work; a delivery that meets one under way waits for its end and answers as it does. No event is answered 2xx
before its work is done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from typing import Any

from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, OutcomeUnknown, put, update
from shared.adapters.stripe_gateway import Event
from shared.adapters.system import Clock
from shared.domain.errors import Unavailable
from shared.domain.periods import timestamp

KEPT = timedelta(days=30)
LEASE = timedelta(seconds=20)
WORK_SECONDS = 15.0  # less than the lease, so that no other delivery begins while the work goes on
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.1
ENDING = "SET #status = :status, #outcome = :outcome, #ended = :ended"


class _Claim(Enum):
    OURS = "ours"
    DONE = "done"
    BUSY = "busy"


class EventLog:
    """The events of one service, in its usage table: `webhook:stripe:{eventId}`."""

    def __init__(
        self,
        dynamo: Dynamo,
        table: str,
        clock: Clock,
        lease: timedelta = LEASE,
        patience_seconds: float = PATIENCE_SECONDS,
        work_seconds: float = WORK_SECONDS,
    ) -> None:
        self._dynamo = dynamo
        self._table = table
        self._clock = clock
        self._lease = lease
        self._patience = patience_seconds
        self._work_seconds = work_seconds
        self._here: dict[str, asyncio.Future[bool]] = {}

    async def once(self, event: Event, work: Callable[[Event], Awaitable[str]]) -> str:
        """Do the work for an event unless it is done; answers its outcome, `duplicate` when it was done before.

        What the work raises is raised, and the claim is given back. Raises Unavailable when another delivery's work
        does not end in time.
        """
        here = self._here.get(event.id)
        if here is not None and await self._ended_well(here):
            return "duplicate"
        mine = self._here[event.id] = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._claimed(event, work)
            mine.set_result(True)
        finally:
            if not mine.done():
                mine.set_result(False)
            if self._here.get(event.id) is mine:
                del self._here[event.id]
        return outcome

    async def _ended_well(self, here: "asyncio.Future[bool]") -> bool:
        """Whether this process did the work meanwhile: many deliveries at once need not all ask the store."""
        await asyncio.wait([here], timeout=self._patience)
        return here.done() and here.result()

    async def _claimed(self, event: Event, work: Callable[[Event], Awaitable[str]]) -> str:
        deadline = asyncio.get_running_loop().time() + self._patience
        lease_until = self._lease_until()
        while (claim := await self._claim(event, lease_until)) is _Claim.BUSY:
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("This event is being worked on; deliver it again.", retry_after_seconds=5)
            await asyncio.sleep(LOOK_SECONDS)
            lease_until = self._lease_until()
        if claim is _Claim.DONE:
            return "duplicate"
        try:
            outcome = await self._worked(event, work)
        except Exception as error:
            with suppress(Unavailable, ConditionFailed):  # the lease ends by itself, or has ended
                await self._give_back(event, lease_until, type(error).__name__)
            raise
        await self._done(event, outcome)
        return outcome

    async def _worked(self, event: Event, work: Callable[[Event], Awaitable[str]]) -> str:
        try:
            async with asyncio.timeout(self._work_seconds):
                return await work(event)
        except TimeoutError as error:
            raise Unavailable("This event's work took too long; deliver it again.", retry_after_seconds=5) from error

    def _lease_until(self) -> int:
        return int((self._clock() + self._lease).timestamp())

    async def _claim(self, event: Event, lease_until: int) -> _Claim:
        now = self._clock()
        item: Item = {
            **_key(event.id),
            "status": "claimed",
            "type": event.type,
            "created": event.created,
            "claimedAt": timestamp(now),
            "leaseUntil": lease_until,
            "expiresAt": int((now + KEPT).timestamp()),
        }
        if event.account is not None:
            item["account"] = event.account
        free = "attribute_not_exists(pk) OR #status = :failed OR (#status = :claimed AND #lease <= :now)"
        names = {"#status": "status", "#lease": "leaseUntil"}
        values = {":failed": "failed", ":claimed": "claimed", ":now": int(now.timestamp())}
        try:
            await self._dynamo.write(put(self._table, item, free, names=names, values=values))
        except ConditionFailed as held:
            return _Claim.DONE if held.item is not None and held.item["status"] == "done" else _Claim.BUSY
        except OutcomeUnknown as error:
            raise Unavailable("The event could not be claimed; deliver it again.", retry_after_seconds=2) from error
        return _Claim.OURS

    async def _done(self, event: Event, outcome: str) -> None:
        """The work is done, whoever holds the claim by now."""
        names, values = self._ending("done", outcome)
        await self._dynamo.write(update(self._table, _key(event.id), ENDING, names=names, values=values))

    async def _give_back(self, event: Event, lease_until: int, why: str) -> None:
        """The next delivery may begin at once, if the claim still is this one's. Raises ConditionFailed if not."""
        names, values = self._ending("failed", why)
        names |= {"#lease": "leaseUntil"}
        values |= {":claimed": "claimed", ":lease": lease_until}
        ours = "#status = :claimed AND #lease = :lease"
        await self._dynamo.write(update(self._table, _key(event.id), ENDING, ours, names=names, values=values))

    def _ending(self, status: str, outcome: str) -> tuple[dict[str, str], dict[str, Any]]:
        names = {"#status": "status", "#outcome": "outcome", "#ended": "endedAt"}
        return names, {":status": status, ":outcome": outcome, ":ended": timestamp(self._clock())}


def _key(event_id: str) -> dict[str, str]:
    return {"pk": f"webhook:stripe:{event_id}", "sk": "event"}
