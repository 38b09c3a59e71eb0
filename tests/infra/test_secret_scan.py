"""The scan finds each kind of credential, says where and not what, and leaves what only looks like one."""

import secrets

import pytest

from infra.secret_scan import SHAPES, files, found_in
from shared.domain import keys

REAL = {
    "an API key of this product": keys.api_key(secrets.token_bytes(keys.RANDOM_BYTES)),
    "a live secret of Stripe or Clerk": "sk_live" + "_" + "a1" * 16,
    "a test secret of Stripe or Clerk": "rk_test" + "_" + "a1" * 16,
    "a webhook's signing secret": "whsec" + "_" + "a1" * 16,
    "an AWS access key": "AKIA" + "ABCDEFGH12345678",
    "a private key": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "a GitHub token": "gho" + "_" + "a1" * 16,
    "a signed token": ".".join(["eyJ" + "a1" * 12] * 3),
    "a sealing key": "CREDENTIAL_KEYS=" + "a" * 43 + "=",
    "credentials in an address": "https://someone:" + "hunter22@example.com",
}


def test_every_shape_has_its_example() -> None:
    assert set(REAL) == set(SHAPES)


@pytest.mark.parametrize("kind", REAL)
def test_finds_the_credential_and_its_line(kind: str) -> None:
    assert (3, kind) in list(found_in(f"one\ntwo\nthree {REAL[kind]} four\n"))


@pytest.mark.parametrize(
    "text",
    ["pk_live_…", "pk_live_" + "x" * 49, "sk_test_of_the_tests", "whsec_own", "https://a:b", "eyJhbGciOi.x.y", "AKIA"],
)
def test_leaves_what_only_looks_like_one(text: str) -> None:
    assert list(found_in(text)) == []


def test_looks_at_the_project_itself() -> None:
    names = {path.name for path in files()}
    assert {"README.md", "secret_scan.py", ".env.example"} <= names
