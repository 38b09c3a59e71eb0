"""A process that ends between any two steps of an event's work: the next delivery ends in the right state."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import stripe

from infra.sandbox.clerk_state import User
from platform_api.stripe_events import StripeEvents
from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_gateway import Event, StripeGateway
from shared.billing.events import LEASE, EventLog
from shared.billing.records import BillingRecord, BillingRecords
from shared.billing.sync import BillingSync
from shared.domain.errors import Unavailable
from tests.clocks import SetClock
from tests.infra.stripe.sandbox import OWN_SECRET
from tests.platform_api.billing.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = ["claimed", "looked at Stripe", "stored", "told Clerk", "noted as told"]


class Killed(BaseException):
    """The process ends here, without a word."""


class Process:
    """What works on events, in a process that ends after a step."""

    def __init__(self, world: World, dynamo: Dynamo, clock: SetClock, end_after: str | None = None) -> None:
        self._world = world
        self._end_after = end_after
        self.told: list[str | None] = []
        process = self

        class Log(EventLog):
            async def _done(self, event: Event, outcome: str) -> None:
                process.reached("noted as told")
                await super()._done(event, outcome)

        class Records(BillingRecords):
            async def subject_of(self, account: str, customer_id: str) -> str | None:
                process.reached("claimed")
                return await super().subject_of(account, customer_id)

            async def replace(self, seen: BillingRecord, after: BillingRecord) -> bool:
                stored = await super().replace(seen, after)
                process.reached("stored")
                return stored

        prefix, keys = world.settings.table_prefix, world.settings.stripe
        assert keys is not None
        self.gateway = StripeGateway(keys)
        records = Records(dynamo, prefix + "platform-tokens")
        sync = BillingSync(records, self._plan_of, self._tell, clock)
        log = Log(dynamo, prefix + "platform-usage", clock, patience_seconds=0.3)
        self.events = StripeEvents(self.gateway, log, records, sync, live=False)

    def reached(self, step: str) -> None:
        if step == self._end_after:
            raise Killed

    async def _plan_of(self, _record: BillingRecord, price_id: str) -> str | None:
        self.reached("looked at Stripe")
        return "paid" if price_id == self._world.price_id else None

    async def _tell(self, record: BillingRecord) -> None:
        self.told.append(record.plan)
        self.reached("told Clerk")

    async def deliver(self, event: stripe.Event) -> str:
        raw = json.dumps(event.to_dict(for_json=True))
        signature = stripe.WebhookSignature.generate_signature_header(raw, OWN_SECRET)
        return (await self.events.receive(raw.encode(), signature)).outcome


@asynccontextmanager
async def process(world: World, clock: SetClock, end_after: str | None = None) -> AsyncIterator[Process]:
    dynamo = Dynamo(region="us-east-1", endpoint=world.settings.dynamodb_endpoint)
    made = Process(world, dynamo, clock, end_after)
    yield made
    await made.gateway.close()
    await dynamo.close()


async def paid(world: World) -> tuple[User, stripe.Event]:
    """A developer whose payment no process has heard of yet, and its event."""
    user = await world.developer()
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user)
    await world.settled()
    listed = await world.stripe.ask.events.list_async({"type": "customer.subscription.created", "limit": 100})
    customer = (await world.record(user)).customer_id
    return user, next(one for one in listed.data if one.data.object["customer"] == customer)


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_killed_after_a_step_is_made_good_by_the_next_delivery(world: World, step: str) -> None:
    user, event = await paid(world)
    clock = SetClock()
    async with process(world, clock, step) as dying:
        with pytest.raises(Killed):
            await dying.deliver(event)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        async with process(world, clock) as other:
            assert await other.deliver(event) in {"applied", "unchanged"}
            assert await other.deliver(event) == "duplicate"
        record = await world.record(user)
        assert (record.plan, record.version, record.told) == ("paid", 2, 2)
        assert (dying.told + other.told)[-1] == "paid"


async def test_while_the_dead_process_holds_its_claim_no_delivery_is_taken(world: World) -> None:
    _user, event = await paid(world)
    clock = SetClock()
    async with process(world, clock, "claimed") as dying, process(world, clock) as other:
        with pytest.raises(Killed):
            await dying.deliver(event)
        with pytest.raises(Unavailable):
            await other.deliver(event)
