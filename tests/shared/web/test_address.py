"""Whose allowance a request uses: the address, however it is written; a network where one person has many."""

import pytest

from shared.web.address import UNKNOWN, address_of


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", UNKNOWN),
        ("unix:", UNKNOWN),
        ("x" * 5000, UNKNOWN),
        ("203.0.113.7, 10.0.0.1", UNKNOWN),
    ],
)
def test_an_address_is_counted_in_one_form_and_anything_else_together(host: str, counted: str) -> None:
    assert address_of({"client": (host, 1)}) == counted


def test_without_a_peer_everybody_shares() -> None:
    assert address_of({"client": None}) == address_of({}) == UNKNOWN
