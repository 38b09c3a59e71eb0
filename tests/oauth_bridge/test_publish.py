"""Publishing tiers with a price: killed at every step and done again, two at once, and what stays for sale."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from oauth_bridge.platforms import Platforms
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.tenant_configs import TenantConfigs
from oauth_bridge.tiers import Selling, Tiers
from shared.adapters.dynamodb import Dynamo
from shared.adapters.stripe_catalog import AccountCatalog, StripeCatalog
from shared.billing.connections import ConnectedAccounts
from shared.domain.errors import Unavailable
from shared.domain.principal import Developer
from shared.domain.tiers import Price, Tier
from shared.records.tenant_config import StripeConnection
from shared.settings import StripeAccess
from tests.clocks import SetClock
from tests.infra.stripe.sandbox import KEY, Sandbox, connected, of, running
from tests.oauth_bridge.conftest import Killed, MortalDynamo
from tests.oauth_bridge.sides import PlatformSide, created

pytestmark = pytest.mark.store

T = TypeVar("T")


def sold(name: str, amount: int) -> Tier:
    return Tier(name, name.title(), 1000, price=Price(amount, "usd", "month"))


FREE = Tier("free", "Free", 10, price=Price(0, "usd", "month"))
BEFORE = (FREE, sold("basic", 900), sold("pro", 1900))
AFTER = (FREE, sold("pro", 2900), sold("max", 9900))


async def patiently(step: Callable[[], Awaitable[T]]) -> T:
    """A client that is told to try again does."""
    while True:
        try:
            return await step()
        except Unavailable:
            await asyncio.sleep(0.05)


class MortalAccount(AccountCatalog):
    """Every call to Stripe has two steps of the same life: sent, and answered."""

    life: MortalDynamo

    async def _asked(self, call: Awaitable[T]) -> T:
        try:
            self.life._step()
        except Killed:
            asyncio.ensure_future(call).cancel()
            raise
        answer = await super()._asked(call)
        self.life._step()
        return answer


class MortalCatalog(StripeCatalog):
    """A connection to Stripe whose user may die."""

    def __init__(self, access: StripeAccess, life: MortalDynamo) -> None:
        super().__init__(access)
        self._life = life

    def on(self, account_id: str) -> AccountCatalog:
        account = MortalAccount(self._connection.client, account_id)
        account.life = self._life
        return account


@dataclass(frozen=True)
class Shop:
    """A developer's platform with an account of its own."""

    developer: Developer
    platform_id: str
    account: str


@dataclass(frozen=True)
class Bridge:
    """The use cases, and a look at what they left behind."""

    tiers: Tiers
    configs: TenantConfigs
    accounts: ConnectedAccounts
    stripe: Sandbox
    life: MortalDynamo
    platform: PlatformSide
    clock: SetClock

    async def shop(self) -> Shop:
        credential = created()
        developer = Developer("user_of_" + credential.platform_id, None)
        await self.platform.change(credential, self.clock.now, user_id=developer.user_id)
        account = await connected(self.stripe, "acct_" + credential.platform_id[4:20])
        assert await self.accounts.connect(credential.platform_id, StripeConnection(account, False, 0))
        return Shop(developer, credential.platform_id, account)

    async def save(self, shop: Shop, tiers: tuple[Tier, ...]) -> None:
        await patiently(lambda: self.tiers.save_draft(shop.developer, tiers))

    async def publish(self, shop: Shop, tiers: tuple[Tier, ...]) -> None:
        await self.save(shop, tiers)
        await patiently(lambda: self.tiers.publish(shop.developer))

    async def agrees(self, shop: Shop, tiers: tuple[Tier, ...]) -> None:
        """Exactly the published tiers are for sale, once each, and the catalog names their prices."""
        products = [one for one in await self.everything(shop, "products") if one.active]
        prices = [one for one in await self.everything(shop, "prices") if one.active]
        selling = {one.name: [price.unit_amount for price in prices if price.product == one.id] for one in products}
        assert selling == {one.display_name: [one.price.amount] for one in tiers if one.price and not one.free}
        published = await self.configs.published(shop.platform_id)
        assert published.config.tiers == tiers
        assert {one.price_id for one in published.catalog.prices.values()} == {one.id for one in prices}

    async def everything(self, shop: Shop, kind: str) -> list[Any]:
        listed: list[Any] = (await getattr(self.stripe.ask, kind).list_async({"limit": 100}, of(shop.account))).data
        return listed


@pytest.fixture
async def bridge_with_stripe(
    dynamo: Dynamo, mortal: MortalDynamo, prefix: str, platform: PlatformSide, clock: SetClock
) -> Any:
    async with running() as stripe:
        access = StripeAccess.model_validate({"secret_key": KEY, "api_url": stripe.url, "connect_url": stripe.url})
        catalog = MortalCatalog(access, mortal)
        configs = TenantConfigs(mortal, prefix + "tenant-tokens")
        accounts = ConnectedAccounts(mortal, prefix + "tenant-tokens")
        platforms = Platforms(PlatformCredentials(mortal, prefix + "platform-tokens"))
        tiers = Tiers(platforms, configs, Selling(accounts, catalog, live=False), clock)
        yield Bridge(tiers, configs, accounts, stripe, mortal, platform, clock)
        await catalog.close()


def turn(number: int) -> tuple[Tier, ...]:
    """Each turn changes one amount, takes one tier off sale and brings one back."""
    other = sold("basic", 900) if number % 2 else sold("max", 9900)
    return (FREE, sold("pro", 1900 + number), other)


async def test_killed_at_any_step_and_done_again_leaves_one_product_and_one_active_price_a_tier(
    bridge_with_stripe: Bridge,
) -> None:
    bridge = bridge_with_stripe
    shop = await bridge.shop()
    await bridge.publish(shop, turn(0))
    await bridge.publish(shop, turn(1))
    killed, number = True, 2
    while killed:
        await bridge.save(shop, turn(number))
        bridge.life.steps_left = 2 * (number - 2)  # dying before a call is dying after the one before it
        try:
            await bridge.tiers.publish(shop.developer)
            killed = False
        except Killed:
            bridge.life.steps_left = None
            await bridge.publish(shop, turn(number))
        except Unavailable:  # a busy machine: this step comes again
            bridge.life.steps_left = None
            continue
        bridge.life.steps_left = None
        await bridge.agrees(shop, turn(number))
        assert (await bridge.configs.published(shop.platform_id)).config.version == number + 1
        number += 1
    assert number > 20  # lived through all of it
    assert {one.id for one in await bridge.everything(shop, "products")} == {
        f"{shop.platform_id}_{name}" for name in ("basic", "max", "pro")
    }
    assert len(await bridge.everything(shop, "prices")) == 2 + number  # one a turn for pro, one for each other


async def test_publishing_again_makes_nothing_and_a_changed_amount_makes_a_price_and_retires_the_old(
    bridge_with_stripe: Bridge,
) -> None:
    bridge = bridge_with_stripe
    shop = await bridge.shop()
    await bridge.publish(shop, BEFORE)
    old = (await bridge.configs.published(shop.platform_id)).catalog.prices["pro"].price_id
    await bridge.publish(shop, BEFORE)
    await bridge.agrees(shop, BEFORE)
    assert len(await bridge.everything(shop, "prices")) == 2
    await bridge.publish(shop, AFTER)
    await bridge.agrees(shop, AFTER)
    published = await bridge.configs.published(shop.platform_id)
    assert published.catalog.tier_of(old) == "pro"
    assert [tier.name for tier in published.catalog.withdrawn] == ["basic"]
    retired = await bridge.stripe.ask.prices.retrieve_async(old, None, of(shop.account))
    assert not retired.active
    await bridge.publish(shop, BEFORE)  # back to what was: its prices are put on sale again, not made again
    await bridge.agrees(shop, BEFORE)
    assert len(await bridge.everything(shop, "prices")) == 4
    await bridge.publish(shop, (FREE,))
    await bridge.agrees(shop, (FREE,))


async def test_publishes_at_once_leave_exactly_the_last_version_for_sale(bridge_with_stripe: Bridge) -> None:
    bridge = bridge_with_stripe
    shop = await bridge.shop()
    await asyncio.gather(*(bridge.publish(shop, (FREE, sold("pro", amount))) for amount in range(1000, 1005)))
    published = await bridge.configs.published(shop.platform_id)
    await bridge.agrees(shop, published.config.tiers)
    assert published.config.tiers == await bridge.configs.draft(shop.platform_id)
