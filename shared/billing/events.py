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

from shared.adapters.dynamodb import ConditionFailed, Dynamo, Item, OutcomeUnknown, put, update
from shared.adapters.stripe_gateway import Event
from shared.adapters.system import Clock
from shared.domain.errors import Unavailable
from shared.domain.periods import timestamp

KEPT = timedelta(days=30)
LEASE = timedelta(seconds=20)
PATIENCE_SECONDS = 5.0
LOOK_SECONDS = 0.1


class _Claim(Enum):
    OURS = "ours"
    DONE = "done"
    BUSY = "busy"


class EventLog:
    """The events of one service, in its usage table: `webhook:stripe:{eventId}`."""

    def __init__(self, dynamo: Dynamo, table: str, clock: Clock, lease: timedelta = LEASE) -> None:
        self._dynamo = dynamo
        self._table = table
        self._clock = clock
        self._lease = lease

    async def once(self, event: Event, work: Callable[[Event], Awaitable[str]]) -> str:
        """Do the work for an event unless it is done; answers its outcome, `duplicate` when it was done before.

        What the work raises is raised, and the claim is given back. Raises Unavailable when another delivery's work
        does not end in time.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while (claim := await self._claim(event)) is _Claim.BUSY:
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("This event is being worked on; deliver it again.", retry_after_seconds=5)
            await asyncio.sleep(LOOK_SECONDS)
        if claim is _Claim.DONE:
            return "duplicate"
        try:
            outcome = await work(event)
        except Exception as error:
            with suppress(Unavailable):  # the claim's lease ends by itself
                await self._end(event, "failed", type(error).__name__)
            raise
        await self._end(event, "done", outcome)
        return outcome

    async def _claim(self, event: Event) -> _Claim:
        now = self._clock()
        lease_until = int((now + self._lease).timestamp())
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

    async def _end(self, event: Event, status: str, outcome: str) -> None:
        write = update(
            self._table,
            _key(event.id),
            "SET #status = :status, #outcome = :outcome, #ended = :ended",
            names={"#status": "status", "#outcome": "outcome", "#ended": "endedAt"},
            values={":status": status, ":outcome": outcome, ":ended": timestamp(self._clock())},
        )
        await self._dynamo.write(write)


def _key(event_id: str) -> dict[str, str]:
    return {"pk": f"webhook:stripe:{event_id}", "sk": "event"}
