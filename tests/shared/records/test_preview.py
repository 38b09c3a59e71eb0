"""Preview tokens: what is believed, and that nothing else is."""

import os

from hypothesis import given
from hypothesis import strategies as st

from shared.records.preview import KEY_BYTES, claimed, genuine, key_from_item, key_to_item, token

KEY = bytes(range(KEY_BYTES))
PLATFORM = "plt_" + "0a" * 16
keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
ends = st.integers(min_value=1, max_value=10**11)


@given(keys, ends)
def test_a_token_is_believed_until_its_end_and_not_at_it(key: bytes, expires: int) -> None:
    claim = claimed(token(key, PLATFORM, expires))
    assert claim is not None
    assert (claim.platform_id, claim.expires) == (PLATFORM, expires)
    assert genuine(claim, key, expires - 0.001)
    assert not genuine(claim, key, expires)


@given(keys, ends)
def test_a_token_of_another_key_is_not_believed(key: bytes, expires: int) -> None:
    claim = claimed(token(key, PLATFORM, expires))
    assert claim is not None
    assert not genuine(claim, os.urandom(KEY_BYTES), 0)


@given(st.integers(min_value=0, max_value=200), st.characters(codec="ascii", categories=["L", "N", "P"]))
def test_a_changed_token_is_refused(index: int, letter: str) -> None:
    text = token(KEY, PLATFORM, 1_800_000_000)
    changed = text[:index] + letter + text[index + 1 :]
    claim = claimed(changed)
    if changed != text and claim is not None and claim != claimed(text):
        assert not genuine(claim, KEY, 0)


@given(st.text(max_size=300))
def test_anything_else_is_no_token(text: str) -> None:
    assert claimed(text) is None


def test_odd_tokens_are_no_tokens() -> None:
    good = token(KEY, PLATFORM, 1_800_000_000)
    for odd in (good + ".", good.replace("plt_", "acc_"), good.replace(".18", ".+18"), good + "!", good + "A" * 200):
        assert claimed(odd) is None, odd


def test_a_key_comes_back_from_its_item() -> None:
    assert key_from_item(key_to_item(KEY)) == KEY
    assert key_from_item(None) is None
