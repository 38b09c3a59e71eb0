"""What the pinned version of the API refuses is refused here, with its codes and parameter names."""

import ast
from pathlib import Path
from typing import Any

import pytest
import stripe

from infra.sandbox.stripe import legal
from infra.sandbox.stripe import legal_billing as billing
from tests.infra.stripe.sandbox import Sandbox, connected, of

CHECKOUTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
    ({"subscription_data": {"coupon": "x"}}, "subscription_data[coupon]", "parameter_unknown"),
    ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]", "resource_missing"),
    ({"line_items": [{"price": "price_none", "amount": 1}]}, "line_items[0][amount]", "parameter_unknown"),
    ({"ui_mode": "hosted"}, "ui_mode", None),
    ({"mode": "subscribe"}, "mode", None),
    ({"customer": "cus_none"}, "customer", "resource_missing"),
    ({"customer": "cus_none", "customer_email": "a@example.com"}, "customer", None),
    ({"client_reference_id": "x" * 201}, "client_reference_id", None),
    ({"success_url": "/ok"}, "success_url", "url_invalid"),
    ({"expires_at": 1}, "expires_at", None),
    ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
    ({"subscription_data": {"trial_period_days": 0}}, "subscription_data[trial_period_days]", None),
    ({"subscription_data": {"application_fee_percent": 1.234}}, "subscription_data[application_fee_percent]", None),
    ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]", None),
    ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
    ({"metadata": {f"k{at}": "v" for at in range(51)}}, "metadata", None),
    ({"discounts": [{"coupon": "x"}], "allow_promotion_codes": True}, "discounts", None),
    ({"customer_creation": "always"}, "customer_creation", None),
    ({"cancel_url": ""}, "cancel_url", "parameter_invalid_empty"),
]


async def test_checkouts_that_are_refused_name_what_was_wrong(sandbox: Sandbox) -> None:
    # One stand-in for all cases: starting one for each would take longer than asking it.
    price = await sandbox.price()
    for params, param, code in CHECKOUTS:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await sandbox.checkout(price.id, **params)
        assert (refused.value.param, refused.value.code) == (param, code), params
        assert refused.value.request_id is not None
    assert (await sandbox.ask.checkout.sessions.list_async()).data == []


async def test_the_billing_cycle_anchor_of_an_update_is_an_object(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.subscriptions.update_async(subscription.id, {"billing_cycle_anchor": "now"})
    assert refused.value.param == "billing_cycle_anchor"
    await sandbox.advance(3)
    moved = await sandbox.ask.subscriptions.update_async(subscription.id, {"billing_cycle_anchor": {"type": "now"}})
    assert moved["items"].data[0].current_period_start > subscription["items"].data[0].current_period_start


async def test_a_subscription_update_knows_no_old_parameter(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    for name in ("coupon", "promotion_code", "plan", "current_period_end", "payment_method_types"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await sandbox.ask.subscriptions.update_async(subscription.id, {name: "x"})
        assert (refused.value.code, refused.value.param) == ("parameter_unknown", name)


async def test_an_amount_never_changes(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.prices.update_async(price.id, {"unit_amount": 1})
    assert refused.value.code == "parameter_unknown"


async def test_a_retired_price_is_not_for_sale(sandbox: Sandbox) -> None:
    price = await sandbox.price()
    await sandbox.ask.prices.update_async(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        await sandbox.checkout(price.id)


async def test_required_parameters_are_named(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.prices.create_async({"unit_amount": 1})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "currency")


async def test_what_is_legal_but_not_modelled_is_said_and_not_ignored(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.subscriptions.update_async(subscription.id, {"discounts": [{"coupon": "c"}]})
    assert refused.value.code == "sandbox_not_modelled"


async def test_an_unknown_path_is_not_found(sandbox: Sandbox) -> None:
    answer = await sandbox.raw("GET", "/v1/invoices/upcoming/lines")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


async def test_a_wrong_key_stays_out(sandbox: Sandbox) -> None:
    for authorization in ("", "Bearer sk_live_x", "Bearer pk_test_x", "Basic x"):
        answer = await sandbox.raw("GET", "/v1/customers", Authorization=authorization)
        assert answer.status_code == 401
        assert "request-id" in answer.headers


async def test_another_version_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.raw("GET", "/v1/customers", Stripe_Version="2024-06-20")
    assert (answer.status_code, "endive" in answer.text) == (400, True)


async def test_nothing_deeper_than_it_has_can_be_expanded(sandbox: Sandbox) -> None:
    subscription = await sandbox.subscribed((await sandbox.price()).id)
    for path in ("latest_invoice.payment_intent", "status", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError, match="expand"):
            await sandbox.ask.subscriptions.retrieve_async(subscription.id, {"expand": [path]})
    page = await sandbox.ask.subscriptions.list_async({"expand": ["data.customer", "data.latest_invoice"]})
    assert page.data[0].customer.object == "customer"


async def test_an_account_that_is_not_connected_is_forbidden(sandbox: Sandbox) -> None:
    await connected(sandbox, "acct_there")
    for account in ("acct_nobody", "acct_none"):
        with pytest.raises(stripe.PermissionError) as refused:
            await sandbox.ask.customers.list_async(None, of(account))
        told: Any = refused.value.json_body  # the client keeps no code of a 403
        assert told["error"]["code"] == "account_invalid"
        with pytest.raises(stripe.PermissionError):
            await sandbox.ask.accounts.retrieve_async(account)
    found = await sandbox.ask.accounts.retrieve_async("acct_there")
    assert (found.charges_enabled, found.details_submitted) == (True, True)


TABLES: list[tuple[legal.Params, str, str]] = [
    (legal.CUSTOMER_CREATE, "_customer_create_params", "CustomerCreateParams"),
    (legal.CUSTOMER_UPDATE, "_customer_update_params", "CustomerUpdateParams"),
    (legal.CUSTOMER_LIST, "_customer_list_params", "CustomerListParams"),
    (legal.PRODUCT_CREATE, "_product_create_params", "ProductCreateParams"),
    (legal.PRODUCT_UPDATE, "_product_update_params", "ProductUpdateParams"),
    (legal.PRODUCT_LIST, "_product_list_params", "ProductListParams"),
    (legal.PRICE_CREATE, "_price_create_params", "PriceCreateParams"),
    (legal.PRICE_UPDATE, "_price_update_params", "PriceUpdateParams"),
    (legal.PRICE_LIST, "_price_list_params", "PriceListParams"),
    (legal.INVOICE_LIST, "_invoice_list_params", "InvoiceListParams"),
    (legal.INVOICE_PAY, "_invoice_pay_params", "InvoicePayParams"),
    (legal.INVOICE_PAYMENT_LIST, "_invoice_payment_list_params", "InvoicePaymentListParams"),
    (legal.CHARGE_LIST, "_charge_list_params", "ChargeListParams"),
    (legal.REFUND_CREATE, "_refund_create_params", "RefundCreateParams"),
    (legal.REFUND_LIST, "_refund_list_params", "RefundListParams"),
    (legal.EVENT_LIST, "_event_list_params", "EventListParams"),
    (billing.CHECKOUT_CREATE, "checkout/_session_create_params", "SessionCreateParams"),
    (billing.SUBSCRIPTION_DATA, "checkout/_session_create_params", "SessionCreateParamsSubscriptionData"),
    (billing.CHECKOUT_LIST, "checkout/_session_list_params", "SessionListParams"),
    (billing.SUBSCRIPTION_CREATE, "_subscription_create_params", "SubscriptionCreateParams"),
    (billing.SUBSCRIPTION_UPDATE, "_subscription_update_params", "SubscriptionUpdateParams"),
    (billing.SUBSCRIPTION_CANCEL, "_subscription_cancel_params", "SubscriptionCancelParams"),
    (billing.SUBSCRIPTION_PAUSE, "_subscription_pause_params", "SubscriptionPauseParams"),
    (billing.SUBSCRIPTION_RESUME, "_subscription_resume_params", "SubscriptionResumeParams"),
    (billing.SUBSCRIPTION_LIST, "_subscription_list_params", "SubscriptionListParams"),
    (billing.ITEM_LIST, "_subscription_item_list_params", "SubscriptionItemListParams"),
    (billing.FEATURES, "billing_portal/_configuration_create_params", "ConfigurationCreateParamsFeatures"),
    (billing.CONFIGURATION_CREATE, "billing_portal/_configuration_create_params", "ConfigurationCreateParams"),
    (billing.CONFIGURATION_UPDATE, "billing_portal/_configuration_update_params", "ConfigurationUpdateParams"),
    (billing.PORTAL_CREATE, "billing_portal/_session_create_params", "SessionCreateParams"),
]


@pytest.mark.parametrize(("table", "file", "name"), TABLES, ids=[case[2] for case in TABLES])
def test_every_legal_parameter_is_one_of_the_pinned_client(table: legal.Params, file: str, name: str) -> None:
    # Read as text: importing all of the client's parameter types takes seconds.
    source = (Path(stripe.__file__).parent / "params" / f"{file}.py").read_text()
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    known = {
        line.target.id
        for line in classes[name].body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }
    assert set(table) <= known
