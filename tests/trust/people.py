"""Who lives in the product while it is attacked: developers with a platform, and their paying end-users.

Everything they own is made through the real routes, so that it is where the product keeps it. `Person.canaries` are
the texts that nobody else may ever be shown.
"""

import asyncio
import time
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from shared.adapters.dynamodb import put
from shared.billing.records import BillingRecords
from shared.domain.quota import UNLIMITED
from shared.domain.tiers import Price, Tier, TierConfig
from shared.records import tenant_config
from shared.records.tenant_config import Catalog, StripeConnection, StripePrice
from tests.infra.stripe.sandbox import GOOD, connected
from tests.trust.product import DEVELOPERS, END_USERS, PLATFORM_PAGES, TENANT_PAGES, Product

LONG = 24 * 3600.0
FREE, PRO = 1000, 5000
TIERS = TierConfig(
    (
        Tier("free", "Free", FREE, UNLIMITED, Price(0, "usd", "month")),
        Tier("pro", "Pro", PRO, UNLIMITED, Price(2900, "usd", "month")),
    ),
    1,
)


@dataclass(frozen=True)
class Developer:
    """A developer whose platform sells tiers through a connected account."""

    user_id: str
    email: str
    platform_id: str
    key: str
    old_key: str
    account: str

    def token(self, lifetime: float = LONG, **claims: Any) -> str:
        return developers_token(self.user_id, lifetime, **claims)


@dataclass(frozen=True)
class EndUser:
    """Somebody who has made calls and pays for `pro`."""

    user_id: str
    email: str
    developer: Developer
    customer: str

    def token(self, lifetime: float = LONG, **claims: Any) -> str:
        return end_users_token(self.user_id, self.developer.platform_id, lifetime, **claims)

    @property
    def canaries(self) -> tuple[str, ...]:
        """What is theirs or their developer's alone; the platform's id and its tiers are public."""
        developer = self.developer
        return (
            *(self.email, self.customer),
            *(developer.email, developer.key, developer.old_key, developer.account),
        )


def developers_token(user_id: str, lifetime: float = LONG, **claims: Any) -> str:
    return DEVELOPERS.token(user_id, azp=PLATFORM_PAGES, **_dated(lifetime), **claims)


def end_users_token(user_id: str, platform_id: str | None, lifetime: float = LONG, **claims: Any) -> str:
    stated = claims if platform_id is None else {"platformId": platform_id} | claims
    return END_USERS.token(user_id, azp=TENANT_PAGES, **_dated(lifetime), **stated)


def _dated(lifetime: float) -> dict[str, Any]:
    """A negative lifetime is a token that was good once."""
    return {"now": time.time() - LONG, "exp": int(time.time() + lifetime)} if lifetime < 0 else {"lifetime": lifetime}


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


async def developer(product: Product) -> Developer:
    """A new one, with everything but end-users."""
    email = f"dev-{token_hex(6)}@example.com"
    user_id = product.clerk["dream-api"].create_user(email)["id"]
    sent = {"headers": bearer(developers_token(user_id))}
    made = (await product.ask("platform_api", "POST", "/generate-credentials", **sent)).json()
    await carried_over(product, made["apiKey"])
    rotated = await product.ask("platform_api", "POST", "/rotate-credentials", json={"overlapHours": 0}, **sent)
    key = rotated.json()["apiKey"]
    await carried_over(product, key)
    account = await connected(product.stripe, "acct_" + token_hex(8))
    await put_on_sale(product, made["platformId"], account)
    return Developer(user_id, email, made["platformId"], key, made["apiKey"], account)


async def put_on_sale(product: Product, platform_id: str, account: str, config: TierConfig = TIERS) -> dict[str, str]:
    """The platform's account connected and tiers published, as the bridge stores both. The price id of each tier."""
    made = {
        tier.name: await product.stripe.price(tier.price.amount, tier.display_name, account)
        for tier in config.tiers
        if tier.price is not None and not tier.free
    }
    catalog = Catalog(account, prices={name: StripePrice(price.id, price.product) for name, price in made.items()})
    connection = StripeConnection(account, livemode=False, connected_at=0)
    for item in (
        tenant_config.connection_key(platform_id) | connection.to_item(),
        tenant_config.account_key(account) | {"platformId": platform_id},
        tenant_config.tier_config_key(platform_id) | tenant_config.tier_config_to_item(config, catalog),
    ):
        await product.dynamo.write(put(product.prefix + "tenant-tokens", item))
    return {name: price.id for name, price in made.items()}


async def carried_over(product: Product, key: str) -> None:
    """Wait until the bridge has let the key in."""
    headers = bearer(key) | {"X-User-Id": "nobody"}
    for _ in range(400):
        answer = await product.ask("tenant_api", "GET", "/api/usage", headers=headers)
        if answer.status_code != 401:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("the bridge carried nothing over")


async def end_user(product: Product, of: Developer) -> EndUser:
    """A new one who has made three calls, bought `pro` and seen the portal."""
    email = f"user-{token_hex(6)}@example.com"
    user = product.clerk["end-user-api"].create_user(email)
    user["public_metadata"] = {"platformId": of.platform_id, "plan": "free"}
    sent = {"headers": bearer(end_users_token(user["id"], of.platform_id))}
    for _ in range(3):
        assert (await product.ask("tenant_api", "POST", "/api/data", **sent)).status_code == 200
    started = await product.ask("tenant_api", "POST", "/api/create-checkout", json={"tier": "pro"}, **sent)
    paid = await product.stripe.browser.post(started.json()["url"], data={"card": GOOD})
    assert paid.status_code == 303
    assert (await product.stripe.control("settle", seconds=15))["settled"]
    # The first portal of a platform leaves its configuration behind.
    assert (await product.ask("tenant_api", "POST", "/api/customer-portal", **sent)).status_code == 200
    records = BillingRecords(product.dynamo, product.prefix + "tenant-tokens")
    record = await records.find(f"{of.platform_id}:{user['id']}")
    assert record is not None
    return EndUser(user["id"], email, of, record.customer_id)


async def belongings(product: Product, person: EndUser) -> dict[str, Any]:
    """Every item that is the person's or their developer's, to be compared before and after an attack."""
    developer, platform_id = person.developer, person.developer.platform_id
    subject = f"{platform_id}:{person.user_id}"
    partitions = {
        "platform-usage": [f"usage:{developer.user_id}"],
        "platform-tokens": [f"user:{developer.user_id}", f"platform:{platform_id}"],
        "tenant-usage": [f"usage:{subject}"],
        "tenant-tokens": [
            *(f"platform:{platform_id}", f"account:{developer.account}", f"user:{subject}"),
            f"customer:{developer.account}:{person.customer}",
        ],
    }
    return {
        partition: await product.dynamo.query(product.prefix + table, partition)
        for table, listed in partitions.items()
        for partition in listed
    }
