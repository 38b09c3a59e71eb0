"""Liveness and readiness."""

from tests.oauth_bridge.conftest import Served, serve_bridge
from tests.tokens import Issuer


async def test_without_its_store_the_bridge_lives_and_is_not_ready(issuer: Issuer) -> None:
    async with serve_bridge(issuer, "http://127.0.0.1:9", "t-") as bridge:
        ready = await bridge.http.get("/ready")
        assert (await bridge.http.get("/health")).status_code == 200
    assert ready.status_code == 503
    assert (ready.json()["error"], ready.json()["down"]) == ("unavailable", ["store"])


async def test_with_its_store_it_is_ready(served: Served) -> None:
    assert (await served.http.get("/ready")).json()["dependencies"] == {"store": "up", "clerk": "up"}
    assert (await served.http.get("/health")).json()["status"] == "ok"
