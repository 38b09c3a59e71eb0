"""Checkout sessions and the hosted page, paid with each test card."""

from typing import Any

import httpx2
import pytest
import stripe

from tests.infra.stripe.sandbox import DAY, DECLINED, Sandbox, connected, of


async def test_pays_and_comes_back_with_the_session_id(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    session = await sandbox.checkout(price.id, client_reference_id="user_1", metadata={"a": "1"})
    assert session.status == "open"
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    answer = await sandbox.pay(session)
    assert (answer.status_code, answer.headers["location"]) == (303, f"http://shop.test/ok?session_id={session.id}")
    paid = await sandbox.ask.checkout.sessions.retrieve_async(
        session.id, {"expand": ["subscription.latest_invoice", "line_items", "customer"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (paid.client_reference_id, paid.metadata["a"]) == ("user_1", "1")
    assert paid.customer.email == "buyer@example.com"
    assert paid.line_items.data[0].price.id == price.id
    subscription = paid.subscription
    assert (subscription.status, subscription.metadata.to_dict()) == ("active", {})
    item = subscription["items"].data[0]
    assert item.current_period_end - item.current_period_start > 27 * DAY
    assert "current_period_end" not in subscription
    assert subscription.latest_invoice.amount_paid == 2900
    assert subscription.latest_invoice.parent.subscription_details.subscription == subscription.id


async def test_a_declined_card_stays_on_the_page_and_makes_nothing(sandbox: Sandbox) -> None:
    session = await sandbox.checkout((await sandbox.price()).id)
    answer = await sandbox.pay(session, DECLINED)
    assert answer.headers["location"] == httpx2.URL(session.url).path
    page = await sandbox.browser.get(session.url)
    assert "Your card was declined." in page.text
    assert (await sandbox.ask.checkout.sessions.retrieve_async(session.id)).status == "open"
    assert (await sandbox.ask.customers.list_async()).data == []
    assert (await sandbox.pay(session)).headers["location"].startswith("http://shop.test/ok")


async def test_paying_twice_makes_one_subscription(sandbox: Sandbox) -> None:
    session = await sandbox.checkout((await sandbox.price()).id)
    first, second = await sandbox.pay(session), await sandbox.pay(session)
    assert first.headers["location"] == second.headers["location"]
    assert len((await sandbox.ask.subscriptions.list_async()).data) == 1
    assert "paid already" in (await sandbox.browser.get(session.url)).text


async def test_the_page_escapes_what_people_wrote_and_loads_nothing(sandbox: Sandbox) -> None:
    session = await sandbox.checkout((await sandbox.price(name="<script>x</script>")).id)
    page = await sandbox.browser.get(session.url)
    assert "<script" not in page.text
    assert "&lt;script&gt;x&lt;/script&gt;" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "http://shop.test/plans" in page.text
    assert "$29.00" in page.text


async def test_the_session_metadata_stays_on_the_session(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed(
        (await sandbox.price()).id, metadata={"on": "session"}, subscription_data={"metadata": {"on": "subscription"}}
    )
    assert subscription.metadata.to_dict() == {"on": "subscription"}


async def test_expires_when_the_clock_passes_its_end(sandbox: Sandbox) -> None:
    session = await sandbox.checkout((await sandbox.price()).id)
    await sandbox.advance(1.01)
    assert (await sandbox.ask.checkout.sessions.retrieve_async(session.id)).status == "expired"
    assert (await sandbox.browser.get(session.url)).status_code == 410
    assert (await sandbox.types())[-1] == "checkout.session.expired"
    await sandbox.pay(session)
    assert (await sandbox.ask.subscriptions.list_async()).data == []


async def test_expires_when_asked_but_not_after_it_was_paid(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    session = await sandbox.checkout(price.id)
    assert (await sandbox.ask.checkout.sessions.expire_async(session.id)).status == "expired"
    paid = await sandbox.checkout(price.id)
    await sandbox.pay(paid)
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        await sandbox.ask.checkout.sessions.expire_async(paid.id)


async def test_an_existing_customer_keeps_its_identity(sandbox: Sandbox) -> None:
    customer = await sandbox.ask.customers.create_async({"email": "a@example.com", "metadata": {"user": "u1"}})
    subscription = await sandbox.subscribed((await sandbox.price()).id, customer=customer.id)
    assert subscription.customer == customer.id
    found = await sandbox.ask.customers.list_async({"email": "a@example.com"})
    assert [one.id for one in found.data] == [customer.id]


async def test_the_operators_share_needs_a_connected_account(sandbox: Sandbox) -> None:
    share: dict[str, Any] = {"subscription_data": {"application_fee_percent": 5.5}}
    with pytest.raises(stripe.InvalidRequestError, match="connected account"):
        await sandbox.checkout((await sandbox.price()).id, **share)
    account = await connected(sandbox)
    price = await sandbox.price(account=account)
    subscription = await sandbox.subscribed(price.id, account, **share)
    assert subscription.application_fee_percent == 5.5


async def test_lists_by_status_and_customer(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    paid = await sandbox.subscribed(price.id)
    open_one = await sandbox.checkout(price.id)
    found = await sandbox.ask.checkout.sessions.list_async({"status": "open"})
    assert [one.id for one in found.data] == [open_one.id]
    found = await sandbox.ask.checkout.sessions.list_async({"customer": paid.customer}, of(None))
    assert [one.subscription for one in found.data] == [paid.id]
