"""Platform ids and the end-user ids that developers send."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import ids
from shared.domain.errors import BadRequest


@pytest.mark.parametrize(
    "value", ["", "plt_", "plt_" + "a" * 31, "plt_" + "a" * 33, "plt_" + "A" * 32, "PLT_" + "a" * 32]
)
def test_refuses_what_is_no_platform_id(value: str) -> None:
    assert not ids.is_platform_id(value)


@pytest.mark.parametrize("value", [None, "", "x" * 257, "é" * 129, "a\nb", "\x00", "\x85", "\ud800"])
def test_refuses_odd_user_ids_and_names_the_header(value: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        ids.end_user_id(value)
    assert refused.value.facts == {"header": "X-User-Id"}


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64))
def test_takes_printable_text_as_it_is(value: str) -> None:
    assert ids.end_user_id(value) == value
    assert unicodedata.category(value[0]) not in {"Cc", "Cs"}


@given(st.binary(min_size=16, max_size=16))
def test_sixteen_random_bytes_make_a_platform_id(chance: bytes) -> None:
    assert ids.is_platform_id(ids.platform_id(chance))


def test_refuses_to_make_an_id_of_too_little_chance() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        ids.platform_id(b"short")
