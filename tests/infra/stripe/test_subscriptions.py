"""The story of a subscription: trial, renewal, failed payment, change, pause and end, by the clock and by the API."""

import pytest
import stripe

from tests.infra.stripe.sandbox import DAY, FAILS_LATER, Sandbox

START = ["customer.subscription.created", "invoice.paid", "customer.subscription.updated", "checkout.session.completed"]


def told(types: list[str]) -> list[str]:
    """Only what an endpoint is told of."""
    shown = (*START, "invoice.payment_failed")
    return [one for one in types if one in shown or one.startswith(("customer.subscription", "customer.deleted"))]


async def test_a_first_payment_is_told_in_full(sandbox: Sandbox) -> None:
    await sandbox.subscribed((await sandbox.price()).id)
    assert told(await sandbox.types()) == START
    updated = (await sandbox.ask.events.list_async({"type": "customer.subscription.updated"})).data[0]
    assert updated.data.previous_attributes.status == "incomplete"
    assert updated.data.object.status == "active"
    with pytest.raises(AttributeError):
        _ = updated.account


async def test_renews_each_month_on_the_same_day(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    end = subscription["items"].data[0].current_period_end
    await sandbox.control("advance", to=end + 60)
    renewed = await sandbox.subscription(subscription.id)
    item = renewed["items"].data[0]
    assert (renewed.status, item.current_period_start) == ("active", end)
    invoice = await sandbox.ask.invoices.retrieve_async(renewed.latest_invoice)
    assert (invoice.billing_reason, invoice.status, invoice.created) == ("subscription_cycle", "paid", end)
    await sandbox.advance(365)
    assert len((await sandbox.ask.invoices.list_async({"subscription": subscription.id, "limit": 100})).data) == 14


async def test_a_trial_is_free_then_announced_then_paid(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    subscription = await sandbox.subscribed(price.id, subscription_data={"trial_period_days": 14})
    item = subscription["items"].data[0]
    assert (subscription.status, item.current_period_end) == ("trialing", subscription.trial_end)
    session = (await sandbox.ask.checkout.sessions.list_async()).data[0]
    assert (session.payment_status, session.amount_total) == ("no_payment_required", 0)
    await sandbox.advance(11.5)
    assert (await sandbox.types())[-1] == "customer.subscription.trial_will_end"
    assert (await sandbox.subscription(subscription.id)).status == "trialing"
    await sandbox.advance(3)
    paid = await sandbox.subscription(subscription.id)
    assert paid.status == "active"
    assert paid["items"].data[0].current_period_start == subscription.trial_end
    assert (await sandbox.ask.invoices.retrieve_async(paid.latest_invoice)).amount_paid == 2900


@pytest.mark.parametrize(
    ("behavior", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
async def test_a_trial_without_a_card_ends_as_agreed(sandbox: Sandbox, behavior: str, status: str) -> None:
    subscription = await sandbox.subscribed(
        (await sandbox.price()).id,
        payment_method_collection="if_required",
        subscription_data={
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": behavior}},
        },
    )
    await sandbox.advance(7.1)
    ended = await sandbox.subscription(subscription.id)
    assert ended.status == status
    if status == "paused":
        assert ended.status_details.paused.subscription.type == "trial_end_without_payment_method"
        assert (await sandbox.types())[-1] == "customer.subscription.paused"


@pytest.mark.parametrize("final", ["canceled", "unpaid"])
async def test_a_failed_renewal_is_retried_and_then_ends(sandbox: Sandbox, final: str) -> None:
    await sandbox.control("dunning", retry_days=[3, 5, 7], final=final)
    subscription = await sandbox.subscribed((await sandbox.price()).id, card=FAILS_LATER)
    assert subscription.status == "active"
    await sandbox.control("advance", to=subscription["items"].data[0].current_period_end + 60)
    late = await sandbox.subscription(subscription.id)
    assert late.status == "past_due"
    invoice = await sandbox.ask.invoices.retrieve_async(late.latest_invoice)
    assert (invoice.status, invoice.attempt_count, invoice.amount_paid) == ("open", 1, 0)
    assert invoice.next_payment_attempt == invoice.created + 3 * DAY
    assert told(await sandbox.types())[-2:] == ["invoice.payment_failed", "customer.subscription.updated"]
    await sandbox.advance(8)
    assert (await sandbox.subscription(subscription.id)).status == "past_due"
    await sandbox.advance(8)
    ended = await sandbox.subscription(subscription.id)
    assert ended.status == final
    assert (await sandbox.types()).count("invoice.payment_failed") == 4
    if final == "canceled":
        assert ended.cancellation_details.reason == "payment_failed"
        assert told(await sandbox.types())[-1] == "customer.subscription.deleted"


async def test_a_better_card_pays_what_was_owed(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id, card=FAILS_LATER)
    await sandbox.advance(32)
    with pytest.raises(stripe.CardError):
        await sandbox.ask.invoices.pay_async((await sandbox.subscription(subscription.id)).latest_invoice)
    method = await sandbox.ask.payment_methods.attach_async("pm_card_visa", {"customer": subscription.customer})
    await sandbox.ask.subscriptions.update_async(subscription.id, {"default_payment_method": method.id})
    await sandbox.advance(3)
    assert (await sandbox.subscription(subscription.id)).status == "active"


async def test_an_incomplete_subscription_expires_after_23_hours(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    customer = await sandbox.ask.customers.create_async({"payment_method": "pm_card_chargeCustomerFail"})
    params = {"customer": customer.id, "items": [{"price": price.id}]}
    with pytest.raises(stripe.CardError):
        await sandbox.ask.subscriptions.create_async(params | {"payment_behavior": "error_if_incomplete"})
    made = await sandbox.ask.subscriptions.create_async(params)
    assert made.status == "incomplete"
    await sandbox.advance(1)
    assert (await sandbox.subscription(made.id)).status == "incomplete_expired"


async def test_ends_at_the_period_unless_it_is_undone(sandbox: Sandbox) -> None:
    update = sandbox.ask.subscriptions.update_async
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    end = subscription["items"].data[0].current_period_end
    leaving = await update(subscription.id, {"cancel_at_period_end": True})
    assert (leaving.status, leaving.cancel_at_period_end, leaving.cancel_at) == ("active", True, end)
    stays = await update(subscription.id, {"cancel_at_period_end": False})
    assert (stays.cancel_at_period_end, stays.cancel_at, stays.canceled_at) == (False, None, None)
    await sandbox.control("advance", to=end + 1)
    assert (await sandbox.subscription(subscription.id)).status == "active"
    leaving = await update(subscription.id, {"cancel_at": "min_period_end"})
    await sandbox.control("advance", to=leaving.cancel_at)
    gone = await sandbox.subscription(subscription.id)
    assert (gone.status, gone.ended_at) == ("canceled", leaving.cancel_at)
    assert (await sandbox.types())[-1] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await update(subscription.id, {"cancel_at_period_end": False})


async def test_cancels_now_and_credits_what_was_not_used(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price(3000)).id)
    await sandbox.advance(15)
    gone = await sandbox.ask.subscriptions.cancel_async(subscription.id, {"prorate": True, "invoice_now": True})
    assert gone.status == "canceled"
    credit = (await sandbox.ask.customers.retrieve_async(subscription.customer)).balance
    assert -1600 < credit < -1400
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.subscriptions.cancel_async(subscription.id)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


async def test_an_upgrade_changes_the_price_and_charges_the_rest(sandbox: Sandbox) -> None:
    small, large = await sandbox.price(1000), await sandbox.price(3000, "Large")
    subscription = await sandbox.subscribed(small.id)
    item = subscription["items"].data[0]
    changed = await sandbox.ask.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": item.id, "price": large.id}],
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice"],
        },
    )
    assert [one.price.id for one in changed["items"].data] == [large.id]
    assert 1990 <= changed.latest_invoice.amount_paid <= 2000
    event = (await sandbox.ask.events.list_async({"type": "customer.subscription.updated"})).data[0]
    assert event.data.previous_attributes["items"]["data"][0]["price"]["id"] == small.id


async def test_a_downgrade_later_lowers_the_next_invoice(sandbox: Sandbox) -> None:
    small, large = await sandbox.price(1000), await sandbox.price(3000, "Large")
    subscription = await sandbox.subscribed(large.id)
    item = subscription["items"].data[0]
    await sandbox.ask.subscriptions.update_async(subscription.id, {"items": [{"id": item.id, "price": small.id}]})
    await sandbox.advance(32)
    renewed = await sandbox.ask.subscriptions.retrieve_async(subscription.id, {"expand": ["latest_invoice"]})
    assert -1000 <= renewed.latest_invoice.total <= -950
    assert renewed.latest_invoice.amount_due == 0


async def test_an_item_without_an_id_is_a_second_item(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    other = await sandbox.price(100, "Extra")
    changed = await sandbox.ask.subscriptions.update_async(subscription.id, {"items": [{"price": other.id}]})
    assert len(changed["items"].data) == 2
    listed = await sandbox.ask.subscription_items.list_async({"subscription": subscription.id})
    assert len(listed.data) == 2


async def test_a_change_that_can_not_be_paid_waits_or_is_refused(sandbox: Sandbox) -> None:
    small, large = await sandbox.price(1000), await sandbox.price(3000, "Large")
    subscription = await sandbox.subscribed(small.id, card=FAILS_LATER)
    items = [{"id": subscription["items"].data[0].id, "price": large.id}]
    params = {"items": items, "proration_behavior": "always_invoice"}
    update = sandbox.ask.subscriptions.update_async
    with pytest.raises(stripe.CardError):
        await update(subscription.id, params | {"payment_behavior": "error_if_incomplete"})
    invoices = await sandbox.ask.invoices.list_async({"subscription": subscription.id})
    assert len(invoices.data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="pending_if_incomplete"):
        await update(subscription.id, params | {"payment_behavior": "pending_if_incomplete", "metadata": {"a": "b"}})
    waiting = await update(subscription.id, params | {"payment_behavior": "pending_if_incomplete"})
    assert waiting["items"].data[0].price.id == small.id
    assert waiting.pending_update.expires_at > 0
    await sandbox.advance(1)
    assert (await sandbox.subscription(subscription.id)).pending_update is None
    assert (await sandbox.types())[-1] == "customer.subscription.pending_update_expired"


async def test_a_paused_subscription_resumes_with_a_new_period(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    assert (await sandbox.ask.subscriptions.pause_async(subscription.id)).status == "paused"
    await sandbox.advance(60)
    assert (await sandbox.subscription(subscription.id)).status == "paused"
    resumed = await sandbox.ask.subscriptions.resume_async(subscription.id)
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert (await sandbox.types())[-1] == "customer.subscription.resumed"


async def test_paused_collection_stays_active_and_collects_nothing(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    await sandbox.ask.subscriptions.update_async(subscription.id, {"pause_collection": {"behavior": "void"}})
    await sandbox.advance(32)
    renewed = await sandbox.ask.subscriptions.retrieve_async(subscription.id, {"expand": ["latest_invoice"]})
    assert (renewed.status, renewed.latest_invoice.status) == ("active", "void")


async def test_a_deleted_customer_takes_its_subscriptions_along(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    assert (await sandbox.ask.customers.delete_async(subscription.customer)).deleted
    assert (await sandbox.subscription(subscription.id)).status == "canceled"
    assert (await sandbox.ask.customers.retrieve_async(subscription.customer)).deleted
    assert told(await sandbox.types())[-2:] == ["customer.subscription.deleted", "customer.deleted"]


async def test_lists_by_customer_status_and_price_page_by_page(sandbox: Sandbox) -> None:
    price, other = await sandbox.price(), await sandbox.price(100, "Other")
    customer = await sandbox.ask.customers.create_async({"email": "a@example.com"})
    made = [await sandbox.subscribed(price.id, customer=customer.id) for _ in range(3)]
    elsewhere = await sandbox.subscribed(other.id)
    await sandbox.ask.subscriptions.cancel_async(made[0].id)
    listing = sandbox.ask.subscriptions.list_async
    assert [one.id for one in (await listing({"customer": customer.id})).data] == [made[2].id, made[1].id]
    assert [one.id for one in (await listing({"status": "canceled"})).data] == [made[0].id]
    assert [one.id for one in (await listing({"price": other.id})).data] == [elsewhere.id]
    page = await listing({"customer": customer.id, "status": "all", "limit": 1})
    assert page.has_more
    assert [one.id async for one in page.auto_paging_iter()] == [one.id for one in reversed(made)]
    back = await listing({"ending_before": made[0].id, "status": "all", "limit": 1})
    assert ([one.id for one in back.data], back.has_more) == ([made[1].id], True)


async def test_a_long_trial_can_be_ended_now(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id, subscription_data={"trial_period_days": 90})
    await sandbox.advance(1)
    paid = await sandbox.ask.subscriptions.update_async(subscription.id, {"trial_end": "now"})
    assert paid.status == "active"
    item = paid["items"].data[0]
    assert 27 * DAY < item.current_period_end - item.current_period_start < 32 * DAY
