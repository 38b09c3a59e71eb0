"""Readiness: bounded in time, asked seldom however often strangers ask, and told once when it changes."""

import asyncio
import json
import logging

import pytest

from shared.domain.errors import Unavailable
from shared.web.health import FRESH_SECONDS, Readiness
from tests.clocks import Monotonic


class Dependency:
    """One that answers, fails or hangs as told; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.how = "up"

    async def __call__(self) -> None:
        self.asked += 1
        if self.how == "hangs":
            await asyncio.sleep(60)
        if self.how == "down":
            raise RuntimeError("sk_live_secret")


async def told(readiness: Readiness) -> dict[str, str]:
    found: dict[str, str] = json.loads(bytes((await readiness.answer()).body))["dependencies"]
    return found


async def test_one_that_hangs_is_down_within_the_time_given() -> None:
    store, clerk = Dependency(), Dependency()
    clerk.how = "hangs"
    assert await told(Readiness({"store": store}, {"clerk": clerk}, seconds=0.05)) == {"store": "up", "clerk": "down"}
    store.how = "hangs"
    with pytest.raises(Unavailable) as refused:
        await Readiness({"store": store}, {"clerk": clerk}, seconds=0.05).answer()
    assert refused.value.facts["down"] == ["store", "clerk"]


async def test_it_is_asked_once_in_a_while_by_however_many() -> None:
    store, clock = Dependency(), Monotonic()
    readiness = Readiness({"store": store}, {}, clock)
    await asyncio.gather(*(readiness.answer() for _ in range(50)))
    clock.now += FRESH_SECONDS - 0.01
    await readiness.answer()
    assert store.asked == 1
    clock.now += 0.01
    await readiness.answer()
    assert store.asked == 2


async def test_a_caller_who_leaves_does_not_take_the_look_from_others() -> None:
    store = Dependency()
    store.how = "hangs"
    readiness = Readiness({"store": store}, {})
    first = asyncio.create_task(readiness.answer())
    second = asyncio.create_task(readiness.answer())
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    assert not second.done()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await readiness.close()


async def test_a_change_is_one_line_without_what_the_error_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dream_api")
    clerk, clock = Dependency(), Monotonic()
    readiness = Readiness({}, {"clerk": clerk}, clock)
    for clerk.how in ("up", "down", "down", "up", "up"):
        await readiness.answer()
        clock.now += FRESH_SECONDS
    lines = [(record.getMessage(), record.__dict__["facts"]) for record in caplog.records]
    assert lines == [
        ("a dependency is down", {"dependency": "clerk", "why": "RuntimeError"}),
        ("a dependency is up again", {"dependency": "clerk"}),
    ]
