"""The rules of a leaked key: only that key is touched, at most as the policy says, and nothing twice."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from platform_api.credential import Credential, NewKey, generated, revoked, rotated
from platform_api.leak import (
    MOST_PLACES,
    REPLACED_ALREADY,
    Deed,
    Leak,
    Place,
    Policy,
    Reaction,
    Sighting,
    after_alert,
    works_until,
)
from tests.clocks import SetClock

NOW = SetClock().now
DAY, WEEK = timedelta(days=1), timedelta(days=7)
FIRST, SECOND, NEW = NewKey("first", "s1"), NewKey("second", "s2"), NewKey("new", "s3")
FRESH = generated(Credential.none("user_1", "plt_" + "0" * 32), FIRST, NOW)
ROTATED = rotated(FRESH, SECOND, NOW, WEEK)
POLICIES = st.sampled_from(Policy)


def seen(key_hash: str, *urls: str) -> Sighting:
    return Sighting(key_hash, "abcd", tuple(Place.of(url, "content", NOW) for url in urls or ("https://a",)))


def told(
    current: Credential, key_hash: str, policy: Policy, known: Leak | None = None, *urls: str, overlap: timedelta = DAY
) -> tuple[Credential, Leak | None]:
    return after_alert(current, known, seen(key_hash, *urls), Reaction(policy, NEW, overlap), NOW)


def test_notify_changes_no_key() -> None:
    after, leak = told(FRESH, "first", Policy.NOTIFY)
    assert after == FRESH
    assert leak is not None
    assert leak.deed is Deed.NOTIFIED


def test_rotate_makes_a_new_key_and_the_leaked_one_works_for_the_overlap() -> None:
    after, leak = told(FRESH, "first", Policy.ROTATE)
    assert (after.state.key_hash, after.sealed_key) == ("new", "s3")
    assert works_until(after, "first", NOW) == int((NOW + DAY).timestamp())
    assert leak is not None
    assert leak.deed is Deed.ROTATED


def test_rotate_without_an_overlap_stops_the_leaked_key() -> None:
    after, leak = told(FRESH, "first", Policy.ROTATE, overlap=timedelta(0))
    assert (after.state.key_hash, works_until(after, "first", NOW)) == ("new", 0)
    assert leak is not None
    assert leak.deed is Deed.STOPPED


def test_rotate_ends_a_key_sooner_whose_successor_is_there_already() -> None:
    after, leak = told(ROTATED, "first", Policy.ROTATE)
    assert after.state.key_hash == "second"
    assert works_until(after, "first", NOW) == int((NOW + REPLACED_ALREADY).timestamp())
    assert leak is not None
    assert leak.deed is Deed.ENDING


def test_stop_of_the_present_key_leaves_none() -> None:
    after, leak = told(ROTATED, "second", Policy.STOP)
    assert (after.state.key_hash, after.sealed_key, works_until(after, "first", NOW)) == (None, None, 0)
    assert leak is not None
    assert leak.deed is Deed.STOPPED


def test_stop_of_an_old_key_leaves_the_new_one_alone() -> None:
    after, leak = told(ROTATED, "first", Policy.STOP)
    assert (after.state.key_hash, after.sealed_key, works_until(after, "first", NOW)) == ("second", "s2", 0)
    assert leak is not None
    assert leak.deed is Deed.STOPPED


def test_a_key_that_never_worked_since_we_are_told_has_no_notice() -> None:
    assert told(FRESH, "other", Policy.STOP) == (FRESH, None)
    gone = revoked(FRESH, NOW)
    assert told(gone, "first", Policy.STOP) == (gone, None)


def test_a_stricter_policy_acts_on_the_next_alert() -> None:
    _, leak = told(FRESH, "first", Policy.NOTIFY)
    after, leak = told(FRESH, "first", Policy.ROTATE, leak)
    assert after.state.key_hash == "new"
    after, leak = told(after, "first", Policy.STOP, leak)
    assert (after.state.key_hash, works_until(after, "first", NOW)) == ("new", 0)
    assert leak is not None
    assert leak.deed is Deed.STOPPED


def test_a_dismissed_notice_comes_back_for_a_new_place_of_a_key_that_works_only() -> None:
    _, leak = told(FRESH, "first", Policy.NOTIFY)
    assert leak is not None
    dismissed = replace(leak, dismissed_at="2026-11-24T12:00:00Z")
    assert told(FRESH, "first", Policy.NOTIFY, dismissed)[1] == dismissed
    again = told(FRESH, "first", Policy.NOTIFY, dismissed, "https://b")[1]
    assert again is not None
    assert (again.dismissed_at, len(again.places)) == (None, 2)
    late = told(revoked(FRESH, NOW), "first", Policy.NOTIFY, dismissed, "https://b")[1]
    assert late is not None
    assert (late.dismissed_at, len(late.places)) == (dismissed.dismissed_at, 2)


@given(st.lists(st.tuples(st.sampled_from(["first", "second"]), POLICIES, st.text("ab", max_size=4)), max_size=20))
def test_whatever_is_alerted_the_new_key_is_never_touched_and_nothing_is_done_twice(
    alerts: list[tuple[str, Policy, str]],
) -> None:
    current = ROTATED
    known: dict[str, Leak] = {}
    for key_hash, policy, url in alerts:
        before, (current, leak) = current, told(current, key_hash, policy, known.get(key_hash), url)
        if leak is not None:
            known[key_hash] = leak
            assert len(leak.places) <= MOST_PLACES
        if before.state.key_hash == "new":
            assert current.state.key_hash == "new"
        assert current.state.version - before.state.version in {0, 1}
        assert told(current, key_hash, policy, leak, url) == (current, leak)


@given(st.text(), st.one_of(st.none(), st.integers(), st.text(max_size=2000)))
def test_what_strangers_write_is_bounded_and_printable(source: str, url: object) -> None:
    place = Place.of(url, source, NOW)
    assert len(place.url) <= 1000
    assert place.url.isprintable()
    assert place.source.isprintable()
