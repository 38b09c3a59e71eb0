"""Which parameters each request may carry, as data. `check` enforces it; a test holds it against the real client's own
parameter types, so a name that the pinned version doesn't know can't stay here.
"""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "whole", "yes_no", "decimal", "metadata", "any", "list", "object", "not_modelled"]


@dataclass(frozen=True, slots=True)
class Param:
    """What a value must be: for a list `of` is one element, for an object its members."""

    kind: Kind
    of: Any = None
    choices: tuple[str, ...] = ()
    required: bool = False
    clearable: bool = False
    largest: int | None = None


def need(param: Param) -> Param:
    return Param(param.kind, param.of, param.choices, True, param.clearable, param.largest)


def clearable(param: Param) -> Param:
    return Param(param.kind, param.of, param.choices, param.required, True, param.largest)


def one_of(*choices: str) -> Param:
    return Param("text", choices=choices)


def several(of: Param, largest: int | None = None) -> Param:
    return Param("list", of, largest=largest)


def members(of: dict[str, Param]) -> Param:
    return Param("object", of)


TEXT = Param("text")
WHOLE = Param("whole")
YES_NO = Param("yes_no")
DECIMAL = Param("decimal")
METADATA = Param("metadata", clearable=True)
ANY = Param("any")
ELSEWHERE = Param("not_modelled")

Params = dict[str, Param]

EXPAND: Params = {"expand": several(TEXT)}
RANGE = Param("any")
PAGE: Params = {"limit": WHOLE, "starting_after": TEXT, "ending_before": TEXT, **EXPAND}
PRORATION = one_of("always_invoice", "create_prorations", "none")
BEHAVIOR = one_of("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
INTERVALS = one_of("day", "week", "month", "year")
RECURRING = members(
    {"interval": need(INTERVALS), "interval_count": WHOLE, "usage_type": one_of("licensed"), "meter": ELSEWHERE}
)
AMOUNT: Params = {"unit_amount": WHOLE, "unit_amount_decimal": ELSEWHERE, "tax_behavior": TEXT}
TRIAL_SETTINGS = members(
    {"end_behavior": need(members({"missing_payment_method": need(one_of("cancel", "create_invoice", "pause"))}))}
)
INVOICE_SETTINGS = members({"default_payment_method": clearable(TEXT), "custom_fields": ELSEWHERE, "footer": ELSEWHERE})


def named(names: str, param: Param) -> Params:
    return dict.fromkeys(names.split(), param)


CUSTOMER_UPDATE: Params = {
    **named("description email name phone", clearable(TEXT)),
    **named("address shipping preferred_locales", ANY),
    **named("tax cash_balance balance source validate tax_exempt invoice_prefix next_invoice_sequence", ELSEWHERE),
    "metadata": METADATA,
    "invoice_settings": INVOICE_SETTINGS,
    **EXPAND,
}
CUSTOMER_CREATE: Params = {**CUSTOMER_UPDATE, "payment_method": TEXT, **named("tax_id_data test_clock", ELSEWHERE)}
CUSTOMER_LIST: Params = {**PAGE, "email": TEXT, "created": RANGE, "test_clock": ELSEWHERE}
SEARCH: Params = {"query": need(TEXT), "limit": WHOLE, "page": TEXT, **EXPAND}

PRODUCT_UPDATE: Params = {
    "name": TEXT,
    "active": YES_NO,
    "default_price": clearable(TEXT),
    "metadata": METADATA,
    **named("description statement_descriptor unit_label url tax_code", clearable(TEXT)),
    **named("images marketing_features", ANY),
    **named("package_dimensions shippable tax_details", ELSEWHERE),
    **EXPAND,
}
PRODUCT_CREATE: Params = {
    **{name: param for name, param in PRODUCT_UPDATE.items() if name != "default_price"},
    "id": TEXT,
    "name": need(TEXT),
    "type": one_of("good", "service"),
    "default_price_data": members(
        {"currency": need(TEXT), "recurring": RECURRING, "metadata": METADATA, "currency_options": ELSEWHERE, **AMOUNT}
    ),
}
PRODUCT_LIST: Params = {**PAGE, "active": YES_NO, "ids": several(TEXT), "created": RANGE, "url": TEXT, "type": TEXT}

PRICE_UPDATE: Params = {
    "active": YES_NO,
    "lookup_key": clearable(TEXT),
    "transfer_lookup_key": YES_NO,
    "nickname": clearable(TEXT),
    "metadata": METADATA,
    "tax_behavior": TEXT,
    "currency_options": ELSEWHERE,
    **EXPAND,
}
PRICE_CREATE: Params = {
    **PRICE_UPDATE,
    "currency": need(TEXT),
    "product": TEXT,
    "product_data": ELSEWHERE,
    "recurring": RECURRING,
    "billing_scheme": one_of("per_unit"),
    **named("tiers tiers_mode transform_quantity custom_unit_amount", ELSEWHERE),
    **AMOUNT,
}
PRICE_LIST: Params = {
    **PAGE,
    "product": TEXT,
    "active": YES_NO,
    "currency": TEXT,
    "type": one_of("one_time", "recurring"),
    "lookup_keys": several(TEXT, 10),
    "recurring": members({"interval": INTERVALS, "usage_type": TEXT, "meter": TEXT}),
    "created": RANGE,
}

INVOICE_LIST: Params = {
    **PAGE,
    "customer": TEXT,
    "subscription": TEXT,
    "status": one_of("draft", "open", "paid", "uncollectible", "void"),
    "collection_method": TEXT,
    "created": RANGE,
}
INVOICE_PAY: Params = named("payment_method forgive paid_out_of_band off_session mandate source", ELSEWHERE)
INVOICE_PAYMENT_LIST: Params = {
    **PAGE,
    "invoice": TEXT,
    "payment": members(
        {"type": need(one_of("payment_intent", "payment_record")), "payment_intent": TEXT, "payment_record": ELSEWHERE}
    ),
    "status": one_of("canceled", "open", "paid"),
    "created": RANGE,
}
CHARGE_LIST: Params = {**PAGE, "customer": TEXT, "payment_intent": TEXT, "transfer_group": ELSEWHERE, "created": RANGE}
REFUND_CREATE: Params = {
    "amount": WHOLE,
    "charge": TEXT,
    "payment_intent": TEXT,
    "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": METADATA,
    "refund_application_fee": YES_NO,
    **named("currency customer instructions_email origin reverse_transfer", ELSEWHERE),
    **EXPAND,
}
REFUND_LIST: Params = {**PAGE, "charge": TEXT, "payment_intent": TEXT, "created": RANGE}
EVENT_LIST: Params = {
    **PAGE,
    "type": TEXT,
    "types": several(TEXT, 20),
    "created": RANGE,
    "delivery_success": YES_NO,
}
