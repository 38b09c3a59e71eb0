"""The one decision: never beyond a limit, nothing lost at a turn, stored time never runs back."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.periods import Month, minute_of
from shared.domain.quota import UNLIMITED, Quota, Standing, Usage, Verdict, decide

instants = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
limits = st.one_of(st.just(UNLIMITED), st.integers(1, 50))
quotas = st.builds(Quota, st.just("free"), limits, limits)
units = st.integers(1, 20)


@given(st.lists(st.tuples(instants, quotas, units), max_size=40))
def test_no_sequence_of_calls_passes_a_limit(calls: list[tuple[datetime, Quota, int]]) -> None:
    usage: Usage | None = None
    for now, quota, asked in sorted(calls, key=lambda call: call[0]):
        decision = decide(usage, now, quota, asked)
        if decision.admitted:
            assert quota.limit == UNLIMITED or decision.usage.used <= quota.limit
            assert quota.rate_per_minute == UNLIMITED or decision.usage.calls <= quota.rate_per_minute
            usage = decision.usage


@given(instants, quotas, units)
def test_a_refusal_changes_nothing_and_has_a_reason(now: datetime, quota: Quota, asked: int) -> None:
    usage = Usage(Month.of(now), 45, minute_of(now), 45)
    decision = decide(usage, now, quota, asked)
    if decision.verdict is Verdict.ADMITTED:
        assert decision.usage == usage.plus(asked, 1)
        return
    assert decision.usage == usage
    over = quota.limit != UNLIMITED and 45 + asked > quota.limit
    assert decision.verdict is (Verdict.OVER_QUOTA if over else Verdict.RATE_LIMITED)


@given(instants, instants)
def test_stored_time_never_runs_back(stored_at: datetime, now: datetime) -> None:
    usage = Usage(Month.of(stored_at), 7, minute_of(stored_at), 3)
    seen = usage.at(now)
    assert seen.month == max(usage.month, Month.of(now))
    assert seen.minute == max(usage.minute, minute_of(now))
    assert seen.used == (7 if seen.month == usage.month else 0)
    assert seen.calls == (3 if seen.minute == usage.minute else 0)


def test_a_used_up_month_is_told_before_a_used_up_minute() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    usage = Usage(Month.of(now), 5, minute_of(now), 5)
    assert decide(usage, now, Quota("free", 5, 5), 1).verdict is Verdict.OVER_QUOTA
    assert decide(usage, now, Quota("free", 6, 5), 1).verdict is Verdict.RATE_LIMITED


def test_both_counts_start_anew_at_the_turn() -> None:
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    usage = Usage(Month.of(last), 5, minute_of(last), 5)
    decision = decide(usage, last + timedelta(seconds=1), Quota("free", 5, 5), 5)
    assert (decision.usage.used, decision.usage.calls) == (5, 1)
    assert str(decision.usage.month) == "2027-01"


def test_what_remains_is_never_negative_and_none_where_unlimited() -> None:
    now = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
    usage = Usage(Month.of(now), 9, minute_of(now), 9)
    lowered = Standing(Quota("free", 5, 5), usage)
    assert (lowered.remaining, lowered.calls_remaining) == (0, 0)
    unlimited = Standing(Quota("pro", UNLIMITED, UNLIMITED), usage)
    assert (unlimited.remaining, unlimited.calls_remaining) == (None, None)
    assert lowered.month_resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert lowered.minute_resets_at == datetime(2026, 11, 24, 12, 1, tzinfo=UTC)
