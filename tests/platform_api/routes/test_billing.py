"""Billing that the operator has not set up: its routes say so, and nothing else changes."""

import pytest

from tests.platform_api.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("path", ["/create-checkout", "/customer-portal", "/webhook/stripe"])
async def test_says_that_billing_is_not_set_up(service: Service, path: str) -> None:
    answer = await service.post(path)
    assert (answer.status_code, answer.json()["error"], answer.json()["reason"]) == (409, "conflict", "no_billing")


async def test_a_token_that_says_paid_is_believed(service: Service) -> None:
    answer = await service.post("/verify-auth", plan="paid")
    assert answer.json()["usage"]["limit"] == 500
