"""UTC months and minutes, and how instants are written."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.periods import Month, minute_of, seconds_until, timestamp

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1971, 1, 2), datetime(2100, 1, 1), timezones=offsets)


@given(instants)
def test_an_instant_is_in_its_month_wherever_it_is_told(instant: datetime) -> None:
    month = Month.of(instant)
    assert month.start <= instant < month.end
    assert month.start.utcoffset() == timedelta(0)
    after = Month.of(month.end)
    assert (after.year * 12 + after.month) - (month.year * 12 + month.month) == 1
    assert month < after


@given(instants)
def test_a_month_is_read_back_as_it_was_written(instant: datetime) -> None:
    assert Month.parse(str(Month.of(instant))) == Month.of(instant)


@given(instants)
def test_a_minute_covers_its_sixty_seconds(instant: datetime) -> None:
    assert 0 <= instant.timestamp() - minute_of(instant) * 60 < 60


@given(instants, st.integers(0, 40 * 86_400))
def test_retry_after_never_names_an_earlier_moment(now: datetime, wait: int) -> None:
    later = int(now.timestamp()) + wait
    seconds, until = seconds_until(later, now.timestamp()), datetime.fromtimestamp(later, UTC) - now
    assert seconds >= 1
    assert timedelta(seconds=seconds) >= until
    assert seconds == 1 or timedelta(seconds=seconds - 1) < until


def test_instants_are_written_in_utc_with_a_z() -> None:
    assert timestamp(datetime(2026, 11, 24, 12, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-24T10:00:00Z"
    assert timestamp(datetime(2026, 11, 24, 12, 0, 0, 999999, tzinfo=UTC)) == "2026-11-24T12:00:00Z"
