"""Origins: what is one, and that whatever two parsers could read differently is none."""

import pytest

from shared.domain.origins import is_bare_origin, origin

ODD = [
    "",
    "shop.example.com",
    "//shop.example.com",
    "javascript:alert(1)",
    "ftp://shop.example.com",
    "https:shop.example.com",
    "https:///shop.example.com",
    "https://user@shop.example.com",
    "https://shop.example.com\\@evil.example.com",
    "https://shop.example.com\n",
    "https://shop.example.com:port",
    "https://sh\u00f6p.example.com",
    "https://" + "a" * 2000,
]


@pytest.mark.parametrize("url", ODD)
def test_an_odd_address_has_no_origin(url: str) -> None:
    assert origin(url) is None
    assert not is_bare_origin(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/",
        "https://shop.example.com/path",
        "https://shop.example.com?a",
        "https://shop.example.com#a",
        "http://shop.example.com",
        "http://localhost.example.com",
    ],
)
def test_a_path_or_an_unencrypted_page_is_no_bare_origin(url: str) -> None:
    assert not is_bare_origin(url)


@pytest.mark.parametrize("url", ["https://shop.example.com", "https://shop.example.com:8443", "http://localhost:3000"])
def test_an_origin_alone_is_one(url: str) -> None:
    assert is_bare_origin(url)


def test_ports_and_case_do_not_make_another_origin() -> None:
    assert (
        origin("https://Shop.example.com/a")
        == origin("https://shop.example.com:443")
        != origin("http://shop.example.com")
    )
