"""A process that ends between any two steps of an event's work: the next delivery ends in the right state."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import stripe

from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_gateway import StripeGateway
from shared.billing.events import LEASE, EventLog
from shared.billing.records import BillingRecord, BillingRecords
from shared.billing.sync import BillingSync
from tenant_api.repositories.connections import Connections
from tenant_api.repositories.revenue import RevenueRows
from tenant_api.stripe_events import StripeEvents
from tenant_api.takings import Takings
from tests.clocks import SetClock
from tests.infra.stripe.sandbox import CONNECT_SECRET
from tests.tenant_api.billing.world import EndUser, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS = ["claimed", "looked at Stripe", "stored", "told Clerk"]


class Killed(BaseException):
    """The process ends here, without a word."""


class Process:
    """What works on events, in a process that ends after a step."""

    def __init__(self, world: World, user: EndUser, clock: SetClock, end_after: str | None = None) -> None:
        self._user = user
        self._end_after = end_after
        self.told: list[str | None] = []
        process = self

        class Records(BillingRecords):
            async def subject_of(self, account: str, customer_id: str) -> str | None:
                process.reached("claimed")
                return await super().subject_of(account, customer_id)

            async def replace(self, seen: BillingRecord, after: BillingRecord) -> bool:
                stored = await super().replace(seen, after)
                process.reached("stored")
                return stored

        keys, table = world.settings.tenant_stripe, world.settings.table
        assert keys is not None
        self.dynamo = Dynamo(region="us-east-1", endpoint=world.settings.dynamodb_endpoint)
        self.gateway = StripeGateway(keys)
        records = Records(self.dynamo, table("tenant-tokens"))
        connections = Connections(self.dynamo, table("tenant-tokens"))
        sync = BillingSync(records, self._plan_of, self._tell, clock)
        log = EventLog(self.dynamo, table("tenant-usage"), clock)
        takings = Takings(self.gateway, records, RevenueRows(self.dynamo, table("tenant-usage")), clock)
        self.events = StripeEvents(self.gateway, log, connections, records, takings, sync, live=False)

    def reached(self, step: str) -> None:
        if step == self._end_after:
            raise Killed

    async def _plan_of(self, _record: BillingRecord, price_id: str) -> str | None:
        self.reached("looked at Stripe")
        return self._user.platform.catalog.tier_of(price_id)

    async def _tell(self, record: BillingRecord) -> None:
        self.told.append(record.plan)
        self.reached("told Clerk")

    async def deliver(self, event: stripe.Event) -> str:
        raw = json.dumps(event.to_dict(for_json=True))
        signature = stripe.WebhookSignature.generate_signature_header(raw, CONNECT_SECRET)
        return (await self.events.receive(raw.encode(), signature)).outcome


@asynccontextmanager
async def process(world: World, user: EndUser, clock: SetClock, end_after: str | None = None) -> AsyncIterator[Process]:
    made = Process(world, user, clock, end_after)
    yield made
    await made.gateway.close()
    await made.dynamo.close()


async def paid(world: World) -> tuple[EndUser, stripe.Event]:
    """An end-user whose payment no process has heard of yet, and its event."""
    user = await world.end_user(await world.platform())
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user, "pro")
    await world.settled()
    on = {"stripe_account": user.platform.account}
    listed = await world.stripe.ask.events.list_async({"type": "customer.subscription.created"}, on)
    return user, listed.data[0]


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_killed_after_a_step_is_made_good_by_the_next_delivery(world: World, step: str) -> None:
    user, event = await paid(world)
    clock = SetClock()
    async with process(world, user, clock, step) as dying, process(world, user, clock) as other:
        with pytest.raises(Killed):
            await dying.deliver(event)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        assert await other.deliver(event) in {"applied", "unchanged"}
        assert await other.deliver(event) == "duplicate"
    record = await world.record(user)
    assert (record.plan, record.version, record.told) == ("pro", 2, 2)
    assert (dying.told + other.told)[-1] == "pro"
