"""Each service is as its OpenAPI document says: tried by a tool that knows nothing but the document."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from shared.domain.ids import platform_id
from shared.domain.tiers import FREE, Price, Tier, TierConfig
from tests.e2e.installation import Installation, installation
from tests.effort import examples

CASES = examples(2)  # of each operation, mode and caller; a person runs thousands with the tool itself
FAR = 4_000_000_000
# What these say depends on what is stored, which the document can't know.
ELSEWHERE = [
    checks.positive_data_acceptance,
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.use_after_free,
    checks.ensure_resource_availability,
    checks.object_level_authorization,
]


def credentials(installed: Installation, service: str) -> list[Mapping[str, str]]:
    """Headers of everybody who may call the service, and of nobody."""
    if service != "tenant_api":
        token = installed.developers.token("user_described", iat=0, nbf=0, exp=FAR)
        return [{}, {"Authorization": f"Bearer {token}"}]
    platform = platform_id(bytes(16))
    paid = Tier("pro", "Pro", 50_000, price=Price(1900, "usd", "month"))
    key = installed.platform(platform, TierConfig((FREE, paid), 1))
    token = installed.end_users.token("user_described", platformId=platform, iat=0, nbf=0, exp=FAR)
    return [{}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"Bearer {token}"}]


def try_everything(url: str, headers: Mapping[str, str]) -> int:
    """Call every operation with good and bad input; the number of calls. Fails on an answer that is not described."""
    calls = 0
    described = schemathesis.openapi.from_url(url + "/openapi.json")
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            def one(case: schemathesis.Case[APIOperation[Any, Any, Any, Any]]) -> None:
                nonlocal calls
                calls += 1
                case.call_and_validate(headers=dict(headers), excluded_checks=ELSEWHERE)

            with suppress(Unsatisfiable):  # there is nothing to get wrong about an operation without input
                one()
    return calls


@pytest.mark.parametrize("service", ["platform_api", "tenant_api", "oauth_bridge"])
async def test_no_answer_is_other_than_described(service: str, endpoint: str, prefix: str, tmp_path: Path) -> None:
    async with installation(endpoint, prefix, tmp_path) as installed:
        served = await installed.start(service)
        calls = [
            await asyncio.to_thread(try_everything, served.url, headers) for headers in credentials(installed, service)
        ]
    print(f"{service}: {sum(calls)} calls, each answered as described")
    assert min(calls) > 30
