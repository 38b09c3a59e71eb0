"""Look-ups remembered for a moment: never older than the bound, shared, bounded, and no failure kept."""

import asyncio

import pytest

from tenant_api.recent import Recent


class Source:
    """What is looked up; counts the look-ups and can be made to fail or to wait."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def look_up(self, key: str) -> int:
        self.asked.append(key)
        await self.gate.wait()
        if self.failing:
            raise ConnectionError
        return len(self.asked)


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_failed_look_up_is_not_remembered() -> None:
    source = Source()
    recent = Recent(source.look_up, 1)
    source.failing = True
    with pytest.raises(ConnectionError):
        await recent.get("a")
    source.failing = False
    assert await recent.get("a") == 2


async def test_an_answer_is_forgotten_when_it_is_as_old_as_the_bound() -> None:
    source, ticks = Source(), Ticks()
    recent = Recent(source.look_up, 1, ticks)
    await recent.get("a")
    ticks.now = 0.99
    assert await recent.get("a") == 1
    ticks.now = 1
    assert await recent.get("a") == 2


async def test_age_counts_from_when_the_look_up_began() -> None:
    source, ticks = Source(), Ticks()
    recent = Recent(source.look_up, 1, ticks)
    source.gate.clear()
    slow = asyncio.create_task(recent.get("a"))
    await asyncio.sleep(0)
    ticks.now = 1.5
    source.gate.set()
    assert await slow == 1
    assert await recent.get("a") == 2


async def test_those_who_ask_meanwhile_share_one_look_up_also_when_the_first_gives_up() -> None:
    source = Source()
    recent = Recent(source.look_up, 1)
    source.gate.clear()
    asking = [asyncio.create_task(recent.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    source.gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert answers[1:] == [1, 1, 1, 1]
    assert source.asked == ["a"]


async def test_memory_is_bounded() -> None:
    source = Source()
    recent = Recent(source.look_up, 1, most=3)
    for key in "abcd":
        await recent.get(key)
    await recent.get("a")
    assert source.asked == ["a", "b", "c", "d", "a"]
