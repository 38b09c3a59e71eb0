"""Both services' billing seen alike: somebody who buys, their events, and processes of the service to deliver these to.

The worlds are those of the services' own tests; here processes of their own join them.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx2
import stripe

from shared.billing.records import BillingRecord
from tests.conftest import REGION
from tests.e2e.installation import PORT_VARIABLES, Service, free_port
from tests.infra.stripe.sandbox import CONNECT_SECRET, OWN_SECRET
from tests.platform_api.billing import world as platform
from tests.tenant_api.billing import world as tenant


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a process finds what it talks to; None: where it really is."""

    store: str | None = None
    clerk: str | None = None
    stripe: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody with a customer at Stripe. `subject` names their record, `person` is the world's own word for them."""

    subject: str
    user_id: str
    customer_id: str
    person: Any


class Side(ABC):
    """One service's billing."""

    service: str
    paid_plan: str
    secret: str
    clerk_variable: str
    stripe_variable: str
    usage_table: str
    tokens_table: str
    record_write: str

    def __init__(self, world: Any, folder: Path) -> None:
        self.world = world
        self.folder = folder

    @abstractmethod
    async def buyer(self) -> Buyer:
        """Somebody who has paid, of which no event has arrived."""

    @abstractmethod
    async def events(self, buyer: Buyer, kind: str) -> list[stripe.Event]:
        """The buyer's events of a type, newest first."""

    @abstractmethod
    async def buy_again(self, buyer: Buyer) -> None:
        """A second subscription, as by accident."""

    @abstractmethod
    async def checkout(self, http: httpx2.AsyncClient, url: str) -> httpx2.Response:
        """Somebody new asks a process for a checkout."""

    @abstractmethod
    def metadata(self, buyer: Buyer) -> Any:
        """What Clerk knows of the buyer."""

    @property
    def account(self) -> str | None:
        """The connected account that all of it happens on."""
        return None

    @property
    def clerk_url(self) -> str:
        return str(self.world.clerk_http.base_url).rstrip("/")

    async def record(self, buyer: Buyer) -> BillingRecord:
        found: BillingRecord | None = await self.world.records.find(buyer.subject)
        assert found is not None
        return found

    async def truth(self, buyer: Buyer) -> list[Any]:
        """The buyer's subscriptions as Stripe has them, newest first."""
        found: list[Any] = await self.world.truth(buyer.person)
        return found

    @asynccontextmanager
    async def process(self, at: Addresses | None = None) -> AsyncIterator[Service]:
        """A process of the service, killed in the end."""
        found, port = at or Addresses(), free_port()
        changed = {PORT_VARIABLES[self.service]: str(port)}
        if found.store is not None:
            changed["DYNAMODB_ENDPOINT"] = found.store
        if found.clerk is not None:
            changed[f"{self.clerk_variable}__API_URL"] = found.clerk + "/v1"
        if found.stripe is not None:
            changed[f"{self.stripe_variable}__API_URL"] = found.stripe
        log = self.folder / f"{self.service}-{port}.log"
        service = Service(self.service, f"http://127.0.0.1:{port}", self.world.environment(**changed), log)
        await service.start()
        try:
            yield service
        finally:
            service.kill()

    async def deliver(self, http: httpx2.AsyncClient, service: Service, event: stripe.Event) -> httpx2.Response:
        """One delivery of an event, signed now."""
        raw = json.dumps(event.to_dict(for_json=True))
        headers = {"stripe-signature": stripe.WebhookSignature.generate_signature_header(raw, self.secret)}
        return await http.post(service.url + "/webhook/stripe", content=raw, headers=headers)

    async def lease_is_over(self, event: stripe.Event) -> None:
        """The claim of an event as it is when its twenty seconds have passed."""
        await asyncio.to_thread(self._end_lease, f"webhook:stripe:{event.id}")

    def _end_lease(self, key: str) -> None:
        settings = self.world.settings
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=settings.dynamodb_endpoint)
        client.update_item(
            TableName=settings.table(self.usage_table),
            Key={"pk": {"S": key}, "sk": {"S": "event"}},
            UpdateExpression="SET leaseUntil = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )
        client.close()


class PlatformSide(Side):
    """Developers paying the operator."""

    service, paid_plan, secret = "platform_api", "paid", OWN_SECRET
    clerk_variable, stripe_variable = "DEVELOPER_CLERK", "STRIPE"
    usage_table, tokens_table, record_write = "platform-usage", "platform-tokens", "PutItem"
    world: platform.World

    async def buyer(self) -> Buyer:
        user = await self.world.developer()
        await self.world.stripe.control("weather", drop=1.0)
        await self.world.subscribe(user)
        return Buyer(user["id"], user["id"], (await self.world.record(user)).customer_id, user)

    async def events(self, buyer: Buyer, kind: str) -> list[stripe.Event]:
        listed = await self.world.stripe.ask.events.list_async({"type": kind, "limit": 100})
        return [one for one in listed.data if one.data.object["customer"] == buyer.customer_id]

    async def buy_again(self, buyer: Buyer) -> None:
        await self.world.stripe.control("advance", seconds=60)
        session = await self.world.stripe.checkout(self.world.price_id, customer=buyer.customer_id)
        await self.world.stripe.pay(session)

    async def checkout(self, http: httpx2.AsyncClient, url: str) -> httpx2.Response:
        token = await self.world.token(await self.world.developer())
        return await http.post(url + "/create-checkout", headers={"Authorization": f"Bearer {token}"})

    def metadata(self, buyer: Buyer) -> Any:
        return self.world.metadata(buyer.person)


class TenantSide(Side):
    """End-users paying a developer on their connected account."""

    service, paid_plan, secret = "tenant_api", "pro", CONNECT_SECRET
    clerk_variable, stripe_variable = "END_USER_CLERK", "TENANT_STRIPE"
    usage_table, tokens_table, record_write = "tenant-usage", "tenant-tokens", "TransactWriteItems"
    world: tenant.World
    platform: tenant.Platform

    @property
    def account(self) -> str | None:
        return self.platform.account

    async def buyer(self) -> Buyer:
        user = await self.world.end_user(self.platform)
        await self.world.stripe.control("weather", drop=1.0)
        await self.world.subscribe(user, "pro")
        return Buyer(user.subject, user.id, (await self.world.record(user)).customer_id, user)

    async def events(self, buyer: Buyer, kind: str) -> list[stripe.Event]:
        on = {"stripe_account": self.platform.account}
        listed = await self.world.stripe.ask.events.list_async({"type": kind, "limit": 100}, on)
        return [one for one in listed.data if one.data.object["customer"] == buyer.customer_id]

    async def buy_again(self, buyer: Buyer) -> None:
        await self.world.stripe.control("advance", seconds=60)
        price, account = self.platform.price("pro"), self.platform.account
        await self.world.stripe.pay(await self.world.stripe.checkout(price, account, customer=buyer.customer_id))

    async def checkout(self, http: httpx2.AsyncClient, url: str) -> httpx2.Response:
        user = await self.world.end_user(self.platform)
        headers = {"Authorization": f"Bearer {user.token}"}
        return await http.post(url + "/api/create-checkout", headers=headers, json={"tier": "basic"})

    def metadata(self, buyer: Buyer) -> Any:
        return buyer.person.metadata


@asynccontextmanager
async def side(service: str, endpoint: str, prefix: str, folder: Path) -> AsyncIterator[Side]:
    """The side of a service, in a world of its own."""
    if service == "platform_api":
        async with platform.world(endpoint, prefix, folder) as world:
            yield PlatformSide(world, folder)
    else:
        async with tenant.world(endpoint, prefix, folder) as other:
            made = TenantSide(other, folder)
            made.platform = await other.platform()
            yield made
