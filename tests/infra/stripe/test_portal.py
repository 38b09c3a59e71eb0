"""The customer portal: its configurations, and every button of the hosted page."""

from typing import Any

import httpx2
import pytest
import stripe

from tests.infra.stripe.sandbox import DECLINED, FAILS_LATER, Sandbox, connected, of

ACCOUNT = "acct_dev1"


async def opened(sandbox: Sandbox, customer: str, prices: list[Any], account: str | None = ACCOUNT) -> Any:
    features = {
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "always_invoice",
            "products": [{"product": one.product, "prices": [one.id]} for one in prices],
        },
    }
    made = await sandbox.ask.billing_portal.configurations.create_async({"features": features}, of(account))
    return await sandbox.ask.billing_portal.sessions.create_async(
        {"customer": customer, "return_url": "http://shop.test/account", "configuration": made.id}, of(account)
    )


async def press(sandbox: Sandbox, session: Any, subscription: Any, do: str, **fields: str) -> httpx2.Response:
    answer = await sandbox.browser.post(session.url, data={"subscription": subscription.id, "do": do, **fields})
    assert answer.status_code == 303
    return await sandbox.browser.get(session.url)


async def test_changes_the_plan_cancels_and_undoes(sandbox: Sandbox) -> None:
    await connected(sandbox, ACCOUNT)
    small, large = await sandbox.price(1000, "Small", ACCOUNT), await sandbox.price(3000, "Large", ACCOUNT)
    subscription = await sandbox.subscribed(small.id, ACCOUNT)
    session = await opened(sandbox, subscription.customer, [small, large])
    page = (await sandbox.browser.get(session.url)).text
    assert all(part in page for part in ("$10.00", "Large: $30.00 per month", "http://shop.test/account", "Renews on"))

    assert "$30.00" in (await press(sandbox, session, subscription, "change", price=large.id)).text
    changed = await sandbox.subscription(subscription.id, ACCOUNT)
    assert changed["items"].data[0].price.id == large.id

    page = (await press(sandbox, session, subscription, "cancel")).text
    assert "Ends on" in page
    assert "Don&#x27;t cancel" in page
    leaving = await sandbox.subscription(subscription.id, ACCOUNT)
    # Flexible billing: the portal says when, not "at the end of the period".
    assert (leaving.cancel_at_period_end, leaving.cancel_at) == (False, leaving["items"].data[0].current_period_end)

    assert "Renews on" in (await press(sandbox, session, subscription, "keep")).text
    await press(sandbox, session, subscription, "cancel")
    await sandbox.advance(32)
    assert (await sandbox.subscription(subscription.id, ACCOUNT)).status == "canceled"


async def test_cancels_now(sandbox: Sandbox) -> None:
    await connected(sandbox, ACCOUNT)
    price = await sandbox.price(account=ACCOUNT)
    subscription = await sandbox.subscribed(price.id, ACCOUNT)
    session = await opened(sandbox, subscription.customer, [price])
    assert "no running subscription" in (await press(sandbox, session, subscription, "cancel_now")).text
    assert (await sandbox.types(ACCOUNT))[-1] == "customer.subscription.deleted"


async def test_a_new_card_pays_what_is_owed(sandbox: Sandbox) -> None:
    await connected(sandbox, ACCOUNT)
    price = await sandbox.price(account=ACCOUNT)
    subscription = await sandbox.subscribed(price.id, ACCOUNT, card=FAILS_LATER)
    await sandbox.advance(32)
    session = await opened(sandbox, subscription.customer, [price])
    assert "past due" in (await sandbox.browser.get(session.url)).text
    assert "declined" in (await press(sandbox, session, subscription, "card", card=DECLINED)).text
    await press(sandbox, session, subscription, "card", card="4242 4242 4242 4242")
    assert (await sandbox.subscription(subscription.id, ACCOUNT)).status == "active"


async def test_nobody_changes_another_customers_subscription(sandbox: Sandbox) -> None:
    await connected(sandbox, ACCOUNT)
    price, other = await sandbox.price(account=ACCOUNT), await sandbox.price(1, "Hidden", ACCOUNT)
    mine, theirs = await sandbox.subscribed(price.id, ACCOUNT), await sandbox.subscribed(price.id, ACCOUNT)
    session = await opened(sandbox, mine.customer, [price])
    assert "No such subscription" in (await press(sandbox, session, theirs, "cancel_now")).text
    assert "not offered" in (await press(sandbox, session, mine, "change", price=other.id)).text
    assert (await sandbox.subscription(theirs.id, ACCOUNT)).status == "active"
    assert (await sandbox.subscription(mine.id, ACCOUNT))["items"].data[0].price.id == price.id


async def test_a_connected_account_has_no_default_configuration(sandbox: Sandbox) -> None:
    await connected(sandbox, ACCOUNT)
    customer = await sandbox.ask.customers.create_async({}, of(ACCOUNT))
    create = sandbox.ask.billing_portal.sessions.create_async
    with pytest.raises(stripe.InvalidRequestError, match="default configuration has not been created"):
        await create({"customer": customer.id}, of(ACCOUNT))
    await sandbox.control("portal", account=ACCOUNT)
    assert (await create({"customer": customer.id}, of(ACCOUNT))).url.startswith(f"{sandbox.url}/p/session/bps_")


async def test_the_operators_own_portal_cancels_but_changes_nothing_else(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    session = await sandbox.ask.billing_portal.sessions.create_async({"customer": subscription.customer})
    page = (await sandbox.browser.get(session.url)).text
    assert "Cancel at the end" in page
    assert "Change plan" not in page
    await press(sandbox, session, subscription, "cancel")
    assert (await sandbox.subscription(subscription.id)).cancel_at is not None


async def test_a_session_is_short_lived(sandbox: Sandbox) -> None:
    customer = await sandbox.ask.customers.create_async({})
    session = await sandbox.ask.billing_portal.sessions.create_async({"customer": customer.id})
    assert (await sandbox.browser.get(session.url)).status_code == 200
    await sandbox.advance(0.1)
    assert (await sandbox.browser.get(session.url)).status_code == 410


async def test_a_configuration_offers_only_prices_of_its_products(sandbox: Sandbox) -> None:
    price, other = await sandbox.price(), await sandbox.price(1, "Other")
    features = {
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [{"product": price.product, "prices": [other.id]}],
        }
    }
    with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
        await sandbox.ask.billing_portal.configurations.create_async({"features": features})
