"""Webhook events, each worked on once: claimed by id before the work, marked done after it.

Called by each service's stripe_events.py. A crash leaves a claim whose lease runs out, so that the next delivery does
the work; a delivery that meets one under way waits for its end and answers as it does. No event is answered 2xx
before its work is done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
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
CLAIMING = (
    "SET #status = :claimed, #type = :type, #created = :created, #claimed_at = :at, #lease = :lease_until, "
    "#expires = :expires, #owner = :owner, #about = :about, #account = :account, "
    "#received = if_not_exists(#received, :at) ADD #attempts :one REMOVE #outcome, #ended"
)
CLAIMED_NAMES = {
    "#status": "status",
    "#type": "type",
    "#created": "created",
    "#claimed_at": "claimedAt",
    "#lease": "leaseUntil",
    "#expires": "expiresAt",
    "#owner": "owner",
    "#about": "about",
    "#account": "account",
    "#received": "receivedAt",
    "#attempts": "attempts",
    "#outcome": "outcome",
    "#ended": "endedAt",
}
ENDING = "SET #status = :status, #outcome = :outcome, #ended = :ended"


class _Claim(Enum):
    OURS = "ours"
    DONE = "done"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Logged:
    """What is known of an event. `about` is what its work needs of the object it was sent with."""

    event: Event
    owner: str | None
    status: str
    outcome: str | None
    received_at: str
    attempts: int

    @classmethod
    def from_item(cls, item: Item) -> "Logged":
        event = Event(
            id=str(item["pk"]).rpartition(":")[2],
            type=item["type"],
            created=item["created"],
            livemode=False,
            account=item["account"],
            object=item["about"],
        )
        return cls(event, item["owner"], item["status"], item.get("outcome"), item["receivedAt"], item["attempts"])


class EventLog:
    """The events of one service, in its usage table: `webhook:stripe:{eventId}`.

    Those that have an owner are listed under `events:{owner}`, by the instant they first came.
    """

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

    async def once(
        self,
        event: Event,
        work: Callable[[Event], Awaitable[str]],
        owner: str | None = None,
        *,
        again: bool = False,
    ) -> str:
        """Do the work for an event unless it is done; answers its outcome, `duplicate` when it was done before.

        `again`: also when it is done.

        What the work raises is raised, and the claim is given back. Raises Unavailable when another delivery's work
        does not end in time.
        """
        here = self._here.get(event.id)
        if here is not None and await self._ended_well(here):
            return "duplicate"
        mine = self._here[event.id] = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._claimed(event, work, owner, again=again)
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

    async def _claimed(
        self, event: Event, work: Callable[[Event], Awaitable[str]], owner: str | None, *, again: bool
    ) -> str:
        deadline = asyncio.get_running_loop().time() + self._patience
        lease_until = self._lease_until()
        while (claim := await self._claim(event, lease_until, owner, again=again)) is _Claim.BUSY:
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

    async def find(self, event_id: str) -> Logged | None:
        item = await self._dynamo.get(self._table, _key(event_id))
        return None if item is None else Logged.from_item(item)

    async def listed(self, owner: str, after: str | None, limit: int) -> tuple[list[Logged], str | None]:
        """An owner's events, the newest first, and what to go on after; None at the end."""
        pointers = await self._dynamo.query(
            self._table, f"events:{owner}", after=after, limit=limit, backwards=True, consistent=False
        )
        places = [str(pointer["sk"]) for pointer in pointers]
        keys = [_key(place.partition("#")[2]) for place in places]
        found = {str(item["pk"]): Logged.from_item(item) for item in await self._dynamo.get_many(self._table, keys)}
        logged = [found[key["pk"]] for key in keys if key["pk"] in found]
        return logged, places[-1] if len(places) == limit else None

    async def _claim(self, event: Event, lease_until: int, owner: str | None, *, again: bool) -> _Claim:
        now = self._clock()
        free = "attribute_not_exists(pk) OR #status = :failed OR (#status = :claimed AND #lease <= :now)"
        values: dict[str, Any] = {":failed": "failed", ":claimed": "claimed", ":now": int(now.timestamp())}
        if again:
            free, values = f"{free} OR #status = :done", values | {":done": "done"}
        values |= {
            ":type": event.type,
            ":created": event.created,
            ":at": timestamp(now),
            ":lease_until": lease_until,
            ":expires": int((now + KEPT).timestamp()),
            ":owner": owner,
            ":about": about(event.object),
            ":account": event.account,
            ":one": 1,
        }
        write = update(self._table, _key(event.id), CLAIMING, free, names=CLAIMED_NAMES, values=values)
        try:
            item = await self._dynamo.write(write)
            if owner is not None and item is not None:
                await self._list(owner, item)
        except ConditionFailed as held:
            return _Claim.DONE if held.item is not None and held.item["status"] == "done" else _Claim.BUSY
        except OutcomeUnknown as error:
            raise Unavailable("The event could not be claimed; deliver it again.", retry_after_seconds=2) from error
        return _Claim.OURS

    async def _list(self, owner: str, item: Item) -> None:
        place = {"pk": f"events:{owner}", "sk": f"{item['receivedAt']}#{str(item['pk']).rpartition(':')[2]}"}
        await self._dynamo.write(put(self._table, place | {"expiresAt": item["expiresAt"]}))

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


def about(whole: Mapping[str, Any]) -> dict[str, Any]:
    """What any event's work may need of the object it is about: enough to do the work again."""
    details = (whole.get("parent") or {}).get("subscription_details") or {}
    paid_at = (whole.get("status_transitions") or {}).get("paid_at")
    wanted = ("object", "id", "customer", "charge", "metadata", "amount_paid", "currency")
    kept = {name: whole.get(name) for name in wanted}
    return {
        **{name: value for name, value in kept.items() if isinstance(value, (str, int, dict))},
        **({"parent": {"subscription_details": {"metadata": details["metadata"]}}} if details.get("metadata") else {}),
        **({"status_transitions": {"paid_at": int(paid_at)}} if paid_at else {}),
    }


def _key(event_id: str) -> dict[str, str]:
    return {"pk": f"webhook:stripe:{event_id}", "sk": "event"}
