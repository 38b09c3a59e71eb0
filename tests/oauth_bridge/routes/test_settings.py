"""`/settings` over HTTP: what is refused, by field, and what is kept."""

import pytest

from tests.clocks import SetClock
from tests.oauth_bridge.conftest import Served
from tests.oauth_bridge.sides import PlatformSide, created


@pytest.fixture
async def anna(served: Served, platform: PlatformSide, clock: SetClock) -> dict[str, str]:
    await platform.change(created(), clock.now, user_id="user_anna")
    return served.as_user("user_anna")


async def test_every_bad_field_is_named_and_nothing_is_kept(served: Served, anna: dict[str, str]) -> None:
    bad = [
        ({"name": "x" * 61, "origins": []}, "name"),
        ({"name": "a\nb", "origins": []}, "name"),
        ({"name": None, "origins": ["https://a.example.com", "https://b.example.com/path"]}, "origins.1"),
        ({"name": None, "origins": ["http://shop.example.com"]}, "origins.0"),
        ({"name": None, "origins": [f"https://a{n}.example.com" for n in range(21)]}, "origins"),
        ({"name": None}, "origins"),
        ({"name": None, "origins": "https://a.example.com"}, "origins"),
    ]
    for body, field in bad:
        answer = await served.http.put("/settings", headers=anna, json=body)
        assert answer.status_code == 400, body
        assert field in [one["field"] for one in answer.json()["errors"]], body
    assert (await served.http.get("/settings", headers=anna)).json() == {"name": None, "origins": []}


async def test_name_and_origins_are_kept_and_replaced(served: Served, anna: dict[str, str]) -> None:
    wanted = {"name": " Weather ", "origins": ["https://a.example.com", "http://localhost:3000"]}
    answer = await served.http.put("/settings", headers=anna, json=wanted)
    assert answer.json() == wanted | {"name": "Weather"}
    assert (await served.http.get("/settings", headers=anna)).json() == answer.json()
    await served.http.put("/settings", headers=anna, json={"name": None, "origins": []})
    assert (await served.http.get("/settings", headers=anna)).json() == {"name": None, "origins": []}
