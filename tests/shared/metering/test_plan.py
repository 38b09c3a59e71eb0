"""The plan of a shared write: what several calls together may take, decided in arrival order."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.periods import Month, minute_of
from shared.domain.quota import UNLIMITED, Quota, Usage, Verdict
from shared.metering.plan import plan

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)

limits = st.one_of(st.just(UNLIMITED), st.integers(1, 30))
quotas = st.builds(Quota, st.sampled_from(["free", "pro"]), limits, limits)
asks = st.lists(st.tuples(quotas, st.integers(1, 8)), min_size=1, max_size=12)
usages = st.builds(Usage, st.just(Month.of(NOW)), st.integers(0, 40), st.just(minute_of(NOW)), st.integers(0, 40))


@given(st.none() | usages, asks)
def test_no_admitted_call_exceeds_its_own_limits(stored: Usage | None, calls: list[tuple[Quota, int]]) -> None:
    for decision in plan(stored, NOW, calls).decisions:
        if decision.admitted:
            assert decision.quota.limit == UNLIMITED or decision.usage.used <= decision.quota.limit
            assert decision.quota.rate_per_minute == UNLIMITED or decision.usage.calls <= decision.quota.rate_per_minute


@given(st.none() | usages, asks)
def test_totals_are_those_of_the_admitted_calls(stored: Usage | None, calls: list[tuple[Quota, int]]) -> None:
    planned = plan(stored, NOW, calls)
    admitted = [units for (_, units), decision in zip(calls, planned.decisions, strict=True) if decision.admitted]
    assert planned.units == sum(admitted)
    assert planned.calls == len(admitted)


@given(usages, asks, st.integers(0, 20), st.integers(0, 20))
def test_where_the_room_holds_every_admitted_call_still_fits(
    seen: Usage, calls: list[tuple[Quota, int]], others_units: int, others_calls: int
) -> None:
    """The write's condition: if the stored counts are within the rooms, deciding again admits the same calls."""
    planned = plan(seen, NOW, calls)
    grown = seen.plus(others_units, others_calls)
    fits = (planned.units_room is None or grown.used <= planned.units_room) and (
        planned.calls_room is None or grown.calls <= planned.calls_room
    )
    again = plan(grown, NOW, [ask for ask, one in zip(calls, planned.decisions, strict=True) if one.admitted])
    assert fits == all(decision.admitted for decision in again.decisions)


@given(usages, asks, st.integers(0, 20))
def test_settled_decisions_follow_what_was_really_stored(
    seen: Usage, calls: list[tuple[Quota, int]], others: int
) -> None:
    planned = plan(seen, NOW, calls)
    settled = planned.settled(planned.after.plus(others, others))
    for before, after in zip(planned.decisions, settled, strict=True):
        assert after.usage == before.usage.plus(others, others)
        assert after.admitted == before.admitted


def test_a_refusal_names_the_month_when_another_process_has_used_it_up_meanwhile() -> None:
    quota = Quota("free", 3, 1)
    planned = plan(None, NOW, [(quota, 1), (quota, 1)])
    assert [one.verdict for one in planned.decisions] == [Verdict.ADMITTED, Verdict.RATE_LIMITED]
    assert planned.settled(planned.after.plus(2, 0))[1].verdict is Verdict.OVER_QUOTA


def test_decisions_keep_their_own_month_when_the_stored_one_has_turned() -> None:
    planned = plan(None, NOW, [(Quota("free", 5, 5), 1)])
    assert planned.settled(Usage(Month(2026, 12), 9, planned.after.minute + 50_000, 9)) == planned.decisions


def test_a_smaller_call_after_a_refused_larger_one_still_fits() -> None:
    quota = Quota("free", 5, UNLIMITED)
    verdicts = [one.verdict for one in plan(None, NOW, [(quota, 4), (quota, 3), (quota, 1)]).decisions]
    assert verdicts == [Verdict.ADMITTED, Verdict.OVER_QUOTA, Verdict.ADMITTED]
