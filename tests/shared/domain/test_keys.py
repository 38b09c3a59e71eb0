"""API keys: 256 bits, recognisable, and a typing error never reaches the store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import keys

chances = st.binary(min_size=keys.RANDOM_BYTES, max_size=keys.RANDOM_BYTES)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@given(chances, st.integers(8, 56), st.sampled_from(ALPHABET + "_-é "))
def test_refuses_a_key_with_one_wrong_character(chance: bytes, place: int, wrong: str) -> None:
    key = keys.api_key(chance)
    changed = key[:place] + wrong + key[place + 1 :]
    assert keys.is_well_formed(changed) == (changed == key)


@given(st.text(max_size=80))
def test_refuses_text_that_is_no_key(text: str) -> None:
    assert not keys.is_well_formed(text)
    assert not keys.is_well_formed(keys.PREFIX + text)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_refuses_to_make_a_key_of_too_little_chance(size: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        keys.api_key(bytes(size))


@given(chances, chances)
def test_every_chance_makes_a_key_of_its_own(first: bytes, second: bytes) -> None:
    one, other = keys.api_key(first), keys.api_key(second)
    assert keys.is_well_formed(one)
    assert len(one) == len(other) == 57
    assert (one == other) == (first == second)
    assert (keys.key_hash(one) == keys.key_hash(other)) == (first == second)


def test_only_the_last_four_characters_are_shown() -> None:
    key = keys.api_key(bytes(32))
    assert keys.last_four(key) == key[-4:]
    assert key not in keys.key_hash(key)
