from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.credential import Credential, NewKey, generated, revoked, rotated
from shared.domain.errors import NotFound
from shared.records.platform_credential import PlatformCredential

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NONE = Credential.none("user_1", "plt_1")
HOUR = timedelta(hours=1)


def key(number: int) -> NewKey:
    return NewKey(f"hash{number}", f"sealed{number}")


def good(state: PlatformCredential, now: datetime) -> set[str]:
    """The keys the record says are good, as its readers take it."""
    found = {state.key_hash} if state.key_hash is not None else set()
    if state.previous_hash is not None and state.previous_until is not None and now.timestamp() < state.previous_until:
        found.add(state.previous_hash)
    return found


def test_refuses_to_rotate_or_revoke_what_never_was() -> None:
    with pytest.raises(NotFound):
        rotated(NONE, key(1), START, HOUR)
    with pytest.raises(NotFound):
        revoked(NONE, START)


def test_generating_again_changes_nothing() -> None:
    first = generated(NONE, key(1), START)
    assert generated(first, key(2), START + HOUR) == first


def test_a_rotated_key_stays_good_until_its_overlap_ends() -> None:
    after = rotated(generated(NONE, key(1), START), key(2), START, HOUR)
    assert good(after.state, START + HOUR - timedelta(seconds=1)) == {"hash1", "hash2"}
    assert good(after.state, START + HOUR) == {"hash2"}
    assert after.previous_until(START + HOUR) is None


def test_without_overlap_the_old_key_stops_at_once() -> None:
    after = rotated(generated(NONE, key(1), START), key(2), START, timedelta())
    assert after.state == PlatformCredential("plt_1", 2, "hash2")


def test_a_second_rotation_stops_the_key_before_the_previous_one() -> None:
    after = rotated(rotated(generated(NONE, key(1), START), key(2), START, HOUR), key(3), START, HOUR)
    assert good(after.state, START) == {"hash2", "hash3"}


def test_a_revoke_stops_both_keys_and_is_safe_to_repeat() -> None:
    after = revoked(rotated(generated(NONE, key(1), START), key(2), START, HOUR), START)
    assert good(after.state, START) == set()
    assert after.sealed_key is None
    assert revoked(after, START + HOUR) == after


@pytest.mark.parametrize("again", [generated, lambda current, new, now: rotated(current, new, now, HOUR)])
def test_after_a_revoke_the_same_platform_gets_a_new_key_alone(again: object) -> None:
    before = revoked(generated(NONE, key(1), START), START)
    assert callable(again)
    after = again(before, key(2), START + HOUR)
    assert after.state == PlatformCredential("plt_1", 3, "hash2")
    assert after.revoked_at is None
    assert after.created_at == before.created_at


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["generate", "rotate", "revoke"]),
        st.integers(min_value=0, max_value=168),  # hours of overlap
        st.integers(min_value=0, max_value=400_000),  # seconds until the next step
    ),
    max_size=12,
)


@given(STEPS)
def test_any_history_keeps_at_most_two_keys_good_and_revives_none(steps: list[tuple[str, int, int]]) -> None:
    current, now, ended = NONE, START, set[str]()
    for number, (step, overlap, wait) in enumerate(steps):
        before, was_good = current, good(current.state, now)
        if step == "generate":
            current = generated(current, key(number), now)
        elif current.stored and step == "rotate":
            current = rotated(current, key(number), now, timedelta(hours=overlap))
        elif current.stored:
            current = revoked(current, now)
        is_good = good(current.state, now)
        ended |= was_good - is_good
        assert len(is_good) <= (0 if step == "revoke" else 2)
        assert not is_good & ended
        assert current.platform_id == "plt_1"
        assert current == before or current.state.version == before.state.version + 1
        assert (current.sealed_key is None) == (current.state.key_hash is None)
        now += timedelta(seconds=wait)
        ended |= is_good - good(current.state, now)
