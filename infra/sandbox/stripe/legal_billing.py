"""The legal parameters of Checkout, subscriptions and the customer portal; see `legal`."""

from infra.sandbox.stripe.legal import (
    ANY,
    BEHAVIOR,
    DECIMAL,
    ELSEWHERE,
    EXPAND,
    METADATA,
    PAGE,
    PRORATION,
    RANGE,
    TEXT,
    TRIAL_SETTINGS,
    WHOLE,
    YES_NO,
    Params,
    clearable,
    members,
    named,
    need,
    one_of,
    several,
)

BILLING_MODE = members({"type": need(one_of("classic", "flexible")), "flexible": ANY})
SUBSCRIPTION_DATA: Params = {
    "metadata": METADATA,
    "description": TEXT,
    "trial_period_days": WHOLE,
    "trial_end": WHOLE,
    "trial_settings": TRIAL_SETTINGS,
    "application_fee_percent": DECIMAL,
    "billing_cycle_anchor": WHOLE,
    "billing_mode": BILLING_MODE,
    "proration_behavior": one_of("create_prorations", "none"),
    **named("default_tax_rates invoice_settings on_behalf_of transfer_data billing_cycle_anchor_config", ELSEWHERE),
}
CHECKOUT_CREATE: Params = {
    "mode": need(one_of("payment", "setup", "subscription")),
    "line_items": several(
        members(
            {
                "price": TEXT,
                "quantity": WHOLE,
                "metadata": METADATA,
                **named("price_data adjustable_quantity tax_rates", ELSEWHERE),
            }
        ),
        20,
    ),
    "customer": TEXT,
    "customer_email": TEXT,
    "client_reference_id": TEXT,
    "metadata": METADATA,
    "subscription_data": members(SUBSCRIPTION_DATA),
    "success_url": TEXT,
    "cancel_url": TEXT,
    "return_url": TEXT,
    "expires_at": WHOLE,
    "payment_method_collection": one_of("always", "if_required"),
    "allow_promotion_codes": YES_NO,
    "ui_mode": one_of("elements", "embedded_page", "form", "hosted_page"),
    "billing_address_collection": one_of("auto", "required"),
    "customer_creation": one_of("always", "if_required"),
    "currency": TEXT,
    "discounts": ANY,
    "locale": TEXT,
    "submit_type": TEXT,
    **named("allowed_payment_method_types excluded_payment_method_types", several(TEXT)),
    **named(
        "automatic_tax customer_update tax_id_collection phone_number_collection custom_text consent_collection", ANY
    ),
    **named("saved_payment_method_options payment_method_options payment_method_configuration branding_settings", ANY),
    **named("after_expiration custom_fields invoice_creation optional_items payment_intent_data", ELSEWHERE),
    **named("setup_intent_data shipping_address_collection shipping_options redirect_on_completion", ELSEWHERE),
    **EXPAND,
}
CHECKOUT_LIST: Params = {
    **PAGE,
    "customer": TEXT,
    "subscription": TEXT,
    "status": one_of("complete", "expired", "open"),
    "customer_details": members({"email": need(TEXT)}),
    "created": RANGE,
    **named("payment_intent payment_link", ELSEWHERE),
}

ITEM: Params = {
    "price": TEXT,
    "quantity": WHOLE,
    "metadata": METADATA,
    **named("billing_thresholds discounts price_data tax_rates plan", ELSEWHERE),
}
SUBSCRIPTION_COMMON: Params = {
    "application_fee_percent": clearable(DECIMAL),
    "cancel_at": clearable(TEXT),
    "cancel_at_period_end": YES_NO,
    "collection_method": one_of("charge_automatically"),
    "default_payment_method": TEXT,
    "description": clearable(TEXT),
    "metadata": METADATA,
    "off_session": YES_NO,
    "payment_behavior": BEHAVIOR,
    "payment_settings": ANY,
    "proration_behavior": PRORATION,
    "trial_end": TEXT,
    "trial_settings": TRIAL_SETTINGS,
    **named("add_invoice_items automatic_tax billing_thresholds days_until_due default_source", ELSEWHERE),
    **named("default_tax_rates discounts invoice_settings on_behalf_of pending_invoice_item_interval", ELSEWHERE),
    **named("transfer_data trial_from_plan", ELSEWHERE),
    **EXPAND,
}
SUBSCRIPTION_CREATE: Params = {
    **SUBSCRIPTION_COMMON,
    "customer": need(TEXT),
    "items": need(several(members(ITEM), 20)),
    "currency": TEXT,
    "trial_period_days": WHOLE,
    "billing_cycle_anchor": WHOLE,
    "billing_mode": BILLING_MODE,
    **named("backdate_start_date billing_cycle_anchor_config", ELSEWHERE),
}
ANCHOR = members({"type": need(one_of("now", "unchanged"))})
SUBSCRIPTION_UPDATE: Params = {
    **SUBSCRIPTION_COMMON,
    "items": several(members({**ITEM, "id": TEXT, "deleted": YES_NO, "clear_usage": ELSEWHERE}), 20),
    "billing_cycle_anchor": ANCHOR,
    "proration_date": WHOLE,
    "pause_collection": clearable(
        members({"behavior": need(one_of("keep_as_draft", "mark_uncollectible", "void")), "resumes_at": WHOLE})
    ),
    "cancellation_details": members({"comment": TEXT, "feedback": TEXT}),
}
SUBSCRIPTION_CANCEL: Params = {
    "invoice_now": YES_NO,
    "prorate": YES_NO,
    "cancellation_details": members({"comment": TEXT, "feedback": TEXT}),
    **EXPAND,
}
SUBSCRIPTION_PAUSE: Params = {
    "type": one_of("subscription"),
    "bill_for": ANY,
    "invoicing_behavior": one_of("invoice", "pending_invoice_item"),
    **EXPAND,
}
SUBSCRIPTION_RESUME: Params = {
    "billing_cycle_anchor": ANCHOR,
    "proration_behavior": PRORATION,
    "proration_date": WHOLE,
    "payment_behavior": BEHAVIOR,
    **EXPAND,
}
SUBSCRIPTION_LIST: Params = {
    **PAGE,
    "customer": TEXT,
    "price": TEXT,
    "status": one_of(
        *("active", "all", "canceled", "ended", "incomplete"),
        *("incomplete_expired", "past_due", "paused", "trialing", "unpaid"),
    ),
    "collection_method": TEXT,
    "created": RANGE,
    **named("current_period_start current_period_end plan test_clock automatic_tax", ELSEWHERE),
}
ITEM_LIST: Params = {**PAGE, "subscription": need(TEXT)}

ENABLED = need(YES_NO)
FEATURES: Params = {
    "customer_update": members(
        {
            "enabled": ENABLED,
            "allowed_updates": clearable(several(one_of(*["address", "email", "name", "phone", "shipping", "tax_id"]))),
        }
    ),
    "invoice_history": members({"enabled": ENABLED}),
    "payment_method_update": members({"enabled": ENABLED, "payment_method_configuration": ELSEWHERE}),
    "subscription_cancel": members(
        {
            "enabled": ENABLED,
            "mode": one_of("at_period_end", "immediately"),
            "proration_behavior": PRORATION,
            "cancellation_reason": ANY,
        }
    ),
    "subscription_pause": members({"enabled": ENABLED}),
    "subscription_update": members(
        {
            "enabled": ENABLED,
            "default_allowed_updates": clearable(several(one_of("price", "promotion_code", "quantity"))),
            "products": clearable(
                several(members({"product": need(TEXT), "prices": need(several(TEXT)), "adjustable_quantity": ANY}), 10)
            ),
            "proration_behavior": PRORATION,
            "billing_cycle_anchor": one_of("now", "unchanged"),
            "schedule_at_period_end": ANY,
            "trial_update_behavior": one_of("continue_trial", "end_trial"),
        }
    ),
}
CONFIGURATION_UPDATE: Params = {
    "active": YES_NO,
    "business_profile": members(
        {"headline": clearable(TEXT), "privacy_policy_url": TEXT, "terms_of_service_url": TEXT}
    ),
    "default_return_url": clearable(TEXT),
    "features": members(FEATURES),
    "login_page": members({"enabled": ENABLED}),
    "metadata": METADATA,
    "name": clearable(TEXT),
    **EXPAND,
}
CONFIGURATION_CREATE: Params = {
    **{name: param for name, param in CONFIGURATION_UPDATE.items() if name != "active"},
    "features": need(members(FEATURES)),
}
CONFIGURATION_LIST: Params = {**PAGE, "active": YES_NO, "is_default": YES_NO}
PORTAL_CREATE: Params = {
    "customer": TEXT,
    "return_url": TEXT,
    "configuration": TEXT,
    "locale": TEXT,
    "flow_data": members(
        {
            "type": need(
                one_of(
                    "customer_update",
                    "payment_method_update",
                    "subscription_cancel",
                    "subscription_pause",
                    "subscription_update",
                    "subscription_update_confirm",
                )
            ),
            **named("after_completion subscription_cancel subscription_update subscription_update_confirm", ANY),
            "subscription_pause": ANY,
        }
    ),
    "on_behalf_of": ELSEWHERE,
    **EXPAND,
}
