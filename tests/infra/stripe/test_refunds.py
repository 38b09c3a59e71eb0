"""Charges of the stand-in: each belongs to an invoice, is refunded in parts and never beyond what was paid."""

from typing import Any

import pytest
import stripe

from tests.infra.stripe.sandbox import Sandbox


async def charged(sandbox: Sandbox, amount: int = 2900) -> Any:
    subscription = await sandbox.subscribed((await sandbox.price(amount)).id)
    [charge] = (await sandbox.ask.charges.list_async({"customer": subscription.customer})).data
    return charge


async def test_no_more_is_refunded_than_was_paid(sandbox: Sandbox) -> None:
    charge = await charged(sandbox)
    refund = await sandbox.ask.refunds.create_async({"charge": charge.id, "amount": 900})
    assert (refund.status, refund.payment_intent) == ("succeeded", charge.payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="2000"):
        await sandbox.ask.refunds.create_async({"charge": charge.id, "amount": 2001})
    await sandbox.ask.refunds.create_async({"payment_intent": charge.payment_intent})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.ask.refunds.create_async({"charge": charge.id})
    assert refused.value.code == "charge_already_refunded"
    after = await sandbox.ask.charges.retrieve_async(charge.id)
    assert (after.amount_refunded, after.refunded) == (2900, True)
    assert (await sandbox.types())[-4:] == ["refund.created", "charge.refunded"] * 2
    for params in ({"charge": "ch_none"}, {"payment_intent": "pi_none"}, {}):
        with pytest.raises(stripe.InvalidRequestError):
            await sandbox.ask.refunds.create_async(params)


async def test_a_charge_leads_to_its_invoice(sandbox: Sandbox) -> None:
    charge = await charged(sandbox)
    asked = {"payment": {"type": "payment_intent", "payment_intent": charge.payment_intent}}
    [payment] = (await sandbox.ask.invoice_payments.list_async(asked)).data
    invoice = await sandbox.ask.invoices.retrieve_async(payment.invoice)
    assert (invoice.amount_paid, invoice.customer) == (charge.amount, charge.customer)


async def test_a_refund_that_a_bank_refuses_comes_back(sandbox: Sandbox) -> None:
    charge = await charged(sandbox)
    refund = await sandbox.ask.refunds.create_async({"charge": charge.id, "amount": 900})
    await sandbox.control("fail_refund", refund=refund.id)
    [failed] = (await sandbox.ask.refunds.list_async({"charge": charge.id, "expand": ["data.charge"]})).data
    assert (failed.status, failed.charge.amount_refunded) == ("failed", 0)
    assert "refund.failed" in await sandbox.types()
