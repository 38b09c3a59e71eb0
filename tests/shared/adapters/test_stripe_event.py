"""A signed event is read only in the shape it is read in; what else it carries does not matter."""

from typing import Any

import pytest

from shared.adapters import stripe_event

GOOD: dict[str, Any] = {
    "id": "evt_1",
    "type": "invoice.paid",
    "created": 1_790_000_000,
    "livemode": False,
    "account": "acct_1",
    "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1", "metadata": {"platformId": "plt_1"}}},
}


def about(**changed: Any) -> dict[str, Any]:
    return {"data": {"object": GOOD["data"]["object"] | changed}}


@pytest.mark.parametrize(
    "changed",
    [
        *({"id": None}, {"id": 5}, {"id": ""}, {"id": "x" * 256}, {"id": "\ud800"}, {"id": "a b"}, {"type": []}),
        *({"created": "now"}, {"created": None}, {"created": -1}, {"created": 10**400}, {"livemode": "no"}),
        *({"account": 5}, {"data": None}, {"data": {}}, {"data": {"object": None}}, {"data": {"object": []}}),
        *(about(customer=["cus_1"]), about(customer=""), about(customer="x" * 300), about(metadata="x")),
        *(about(metadata={"platformId": ["x"]}), about(parent="x"), about(parent={"subscription_details": "x"})),
    ],
)
def test_refuses_what_would_trip_the_code_behind(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        stripe_event.check(GOOD | changed)


@pytest.mark.parametrize(
    "changed",
    [
        *({}, {"account": None}, {"more": [1, 2]}, about(customer=None), about(metadata=None), about(more={"a": 1})),
        about(parent={"type": "x", "subscription_details": {"metadata": {}, "subscription": "sub_1"}}),
    ],
)
def test_takes_what_stripe_sends(changed: dict[str, Any]) -> None:
    stripe_event.check(GOOD | changed)
    assert GOOD["id"] == "evt_1"
