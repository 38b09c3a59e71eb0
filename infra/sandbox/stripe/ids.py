"""Ids as Stripe makes them: a prefix that names the kind, then letters and digits. Everything that creates calls it."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
PREFIXES = {
    "account": "acct_",
    "charge": "ch_",
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "checkout.session": "cs_test_",
    "customer": "cus_",
    "event": "evt_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "line_item": "il_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "price": "price_",
    "product": "prod_",
    "refund": "re_",
    "request": "req_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "code": "ac_",
}
LENGTHS = {"checkout.session": 58, "code": 32}


def fresh(kind: str) -> str:
    return PREFIXES[kind] + "".join(secrets.choice(ALPHABET) for _ in range(LENGTHS.get(kind, 16)))
