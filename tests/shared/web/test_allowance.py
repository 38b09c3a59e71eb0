"""So many a minute: exactly, in bounded memory, and back evenly."""

from hypothesis import given
from hypothesis import strategies as st

from shared.web.allowance import Allowance


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_refuses_after_the_minutes_allowance_and_says_when_there_is_more() -> None:
    ticks = Ticks()
    allowance = Allowance(60, monotonic=ticks)
    assert [allowance.wait("a") for _ in range(61)] == [0] * 60 + [1]
    assert allowance.wait("b") == 0
    ticks.now = 1.0
    assert [allowance.wait("a") for _ in range(2)] == [0, 1]


def test_memory_is_bounded_by_forgetting_who_was_not_seen_for_longest() -> None:
    allowance = Allowance(1, most=100, monotonic=Ticks())
    assert allowance.wait("first") == 0
    for index in range(10_000):
        assert allowance.wait(str(index)) == 0
    assert len(allowance) == 100
    assert allowance.wait("9999") > 0
    assert allowance.wait("first") == 0


def test_none_is_no_limit_and_remembers_nobody() -> None:
    allowance = Allowance(0)
    assert {allowance.wait(str(index % 3)) for index in range(1000)} == {0}
    assert len(allowance) == 0


@given(st.integers(1, 200), st.lists(st.floats(0, 30), min_size=1, max_size=300))
def test_never_lets_more_through_than_a_minutes_worth_and_what_came_back(per_minute: int, pauses: list[float]) -> None:
    ticks = Ticks()
    allowance, passed = Allowance(per_minute, monotonic=ticks), 0
    for pause in pauses:
        ticks.now += pause
        wait = allowance.wait("a")
        passed += wait == 0
        assert wait <= 61
    assert passed <= per_minute * (1 + ticks.now / 60) + 1e-6
