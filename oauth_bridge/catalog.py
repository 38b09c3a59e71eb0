"""Published tiers as products and prices on the developer's account, and the prices that are no longer for sale.

tiers.py calls it: `sold` before the tiers are published, `tidy` after. Both can be repeated, by anybody, at any time:
names are made of the platform and the tier's terms, so whoever does it twice finds what is there.
"""

import asyncio
from collections.abc import Mapping, Sequence

from shared.adapters.stripe_catalog import AccountCatalog, WantedPrice
from shared.domain.tiers import Tier, TierConfig
from shared.records.tenant_config import Catalog, Published, StripePrice

AT_ONCE = 5  # Stripe takes 25 requests a second on an account


async def sold(account: AccountCatalog, platform_id: str, tiers: Sequence[Tier]) -> dict[str, StripePrice]:
    """The price of every paid tier by its name, made where it is missing."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(tier: Tier) -> tuple[str, StripePrice]:
        async with slots:
            wanted = _wanted(platform_id, tier)
            said = {"platformId": platform_id, "tier": tier.name}
            await account.ensure_product(wanted.product_id, tier.display_name, said)
            return tier.name, StripePrice(await account.ensure_price(wanted), wanted.product_id)

    return dict(await asyncio.gather(*(one(tier) for tier in paid(tiers))))


async def tidy(account: AccountCatalog, platform_id: str, published: Published) -> None:
    """Leave exactly the published prices active on the products of this platform's tiers."""
    slots = asyncio.Semaphore(AT_ONCE)
    catalog = published.catalog
    names = {*catalog.prices, *catalog.retired.values(), *(tier.name for tier in catalog.withdrawn)}

    async def one(name: str) -> None:
        async with slots:
            price = catalog.prices.get(name)
            product_id = _product_id(platform_id, name)
            active = await account.active_prices(product_id)
            if price is not None and price.price_id not in active:
                await account.set_price(price.price_id, active=True)
            for price_id in active:
                if price is None or price_id != price.price_id:
                    await account.set_price(price_id, active=False)
            await account.set_product(product_id, active=price is not None)

    await asyncio.gather(*(one(name) for name in sorted(names)))


def next_catalog(
    before: Published, config: TierConfig, account_id: str | None, prices: Mapping[str, StripePrice]
) -> Catalog:
    """What follows from publishing: prices that are replaced and tiers that go stay known to who pays for them."""
    selling = {price.price_id for price in prices.values()}
    replaced = {price.price_id: name for name, price in before.catalog.prices.items()}
    retired = {one: name for one, name in {**before.catalog.retired, **replaced}.items() if one not in selling}
    present = {tier.name for tier in config.tiers}
    bought = {*retired.values()} - present
    known = {tier.name: tier for tier in (*before.catalog.withdrawn, *before.config.tiers)}
    withdrawn = tuple(known[name] for name in sorted(bought) if name in known)
    return Catalog(account_id if prices else before.catalog.account_id, dict(prices), retired, withdrawn)


def paid(tiers: Sequence[Tier]) -> list[Tier]:
    """The tiers that need a price at Stripe."""
    return [tier for tier in tiers if tier.price is not None and not tier.free]


def _product_id(platform_id: str, name: str) -> str:
    return f"{platform_id}_{name}"


def _wanted(platform_id: str, tier: Tier) -> WantedPrice:
    if tier.price is None:
        raise ValueError("a tier without a price has no terms")
    price = tier.price
    product_id = _product_id(platform_id, tier.name)
    terms = f"{product_id}:{price.amount}:{price.currency}:{price.interval}"
    return WantedPrice(terms, product_id, price.amount, price.currency, price.interval)
