"""States: how long one lives, and that of many who come back with it only one gets through."""

import asyncio
import hashlib
import os

import pytest

from oauth_bridge.handshakes import LIFE_SECONDS, Handshakes
from oauth_bridge.repositories.handshakes import HandshakeStore
from shared.adapters.dynamodb import Dynamo
from tests.clocks import SetClock

pytestmark = pytest.mark.store


@pytest.fixture
def handshakes(dynamo: Dynamo, prefix: str, clock: SetClock) -> Handshakes:
    return Handshakes(HandshakeStore(dynamo, prefix + "tenant-tokens"), clock, os.urandom)


async def test_a_state_is_over_after_ten_minutes(handshakes: Handshakes, clock: SetClock) -> None:
    begun = await handshakes.begin("stripe", "user_anna", "plt_a")
    clock.advance(seconds=LIFE_SECONDS)
    assert await handshakes.end("stripe", begun.state, begun.browser) is None


async def test_a_state_works_until_then_and_once(handshakes: Handshakes, clock: SetClock) -> None:
    begun = await handshakes.begin("stripe", "user_anna", "plt_a")
    clock.advance(seconds=LIFE_SECONDS - 1)
    ends = [handshakes.end("stripe", begun.state, begun.browser) for _ in range(8)]
    found = [one for one in await asyncio.gather(*ends) if one is not None]
    assert [(one.user_id, one.platform_id) for one in found] == [("user_anna", "plt_a")]
    assert await handshakes.end("stripe", begun.state, begun.browser) is None


async def test_a_state_of_another_provider_or_browser_is_refused_and_stays(handshakes: Handshakes) -> None:
    begun, other = [await handshakes.begin("stripe", user, "plt_a") for user in ("user_anna", "user_bert")]
    for provider, browser in (("github", begun.browser), ("stripe", other.browser), ("stripe", None), ("stripe", "")):
        assert await handshakes.end(provider, begun.state, browser) is None
    assert await handshakes.end("stripe", begun.state, begun.browser) is not None


async def test_neither_secret_is_stored_and_no_two_are_alike(
    handshakes: Handshakes, dynamo: Dynamo, prefix: str
) -> None:
    first, second = [await handshakes.begin("github", "user_anna", "plt_a") for _ in range(2)]
    secrets = {first.state, first.browser, second.state, second.browser}
    assert len(secrets) == 4
    assert all(len(secret) == 43 for secret in secrets)  # 256 bits
    item = await dynamo.get(
        prefix + "tenant-tokens",
        {"pk": "oauth:" + hashlib.sha256(first.state.encode()).hexdigest(), "sk": "state"},
    )
    assert item is not None
    assert not secrets & {str(value) for value in item.values()}
