"""Alerts are believed by their signature alone, over the body as it came, by a key that the scanner publishes."""

from collections.abc import AsyncIterator, Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.sandbox.scanner import KEYS_PATH, Scanner, pem
from shared.adapters.clerk import clerk_http
from shared.adapters.secret_scanning import REFETCH_SECONDS, AlertVerifier
from shared.domain.errors import Unauthenticated, Unavailable
from tests.serving import serving

RAW = b'[{"token":"some_token","type":"some_type","url":"https://example.com/"}]'
IDENTIFIER, SIGNATURE = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"


class Ticks:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Publisher:
    """Publishes what it is given, and counts who asks."""

    def __init__(self, *keys: Mapping[str, object]) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.app = Starlette(routes=[Route("/", self._listed)])

    async def _listed(self, _request: Request) -> Response:
        self.asked += 1
        return JSONResponse({"public_keys": self.keys})


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
async def verifier(scanner: Scanner) -> AsyncIterator[AlertVerifier]:
    async with serving(scanner.app()) as url, clerk_http() as http:
        made = AlertVerifier(url + KEYS_PATH, http)
        yield made
        await made.close()


async def test_takes_what_the_scanner_signed_and_no_byte_else(scanner: Scanner, verifier: AlertVerifier) -> None:
    headers = scanner.signed(RAW)
    await verifier.verify(RAW, headers[IDENTIFIER], headers[SIGNATURE])
    for raw in (RAW + b"\n", RAW.replace(b"some_token", b"same_token"), b""):
        with pytest.raises(Unauthenticated):
            await verifier.verify(raw, headers[IDENTIFIER], headers[SIGNATURE])


FORGED: dict[str, dict[str, str | None]] = {
    "no key named": {IDENTIFIER: None},
    "no signature": {SIGNATURE: None},
    "unknown key": {IDENTIFIER: "0" * 64},
    "a path for a key": {IDENTIFIER: "../" * 9},
    "long key": {IDENTIFIER: "x" * 129},
    "empty signature": {SIGNATURE: ""},
    "no base64": {SIGNATURE: "not base64"},
    "short signature": {SIGNATURE: "AAAA"},
    "no ASCII": {SIGNATURE: "é"},
    "long signature": {SIGNATURE: "A" * 204},
    "another scanner's key": {**Scanner().signed(RAW)},
    "another scanner's signature": {SIGNATURE: Scanner().signed(RAW)[SIGNATURE]},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_refuses_every_other_signature(
    scanner: Scanner, verifier: AlertVerifier, forged: dict[str, str | None]
) -> None:
    headers = {**scanner.signed(RAW), **forged}
    with pytest.raises(Unauthenticated):
        await verifier.verify(RAW, headers[IDENTIFIER], headers[SIGNATURE])


async def test_a_key_that_is_none_hides_no_other(scanner: Scanner) -> None:
    bad = {"key_identifier": "a", "key": "-----BEGIN PUBLIC KEY-----"}
    rsa = {"key_identifier": "b", "key": pem(generate_private_key(65537, 2048).public_key())}
    other_curve = {"key_identifier": "c", "key": pem(ec.generate_private_key(ec.SECP384R1()).public_key())}
    publisher, headers = Publisher(bad, rsa, other_curve, scanner.published()), scanner.signed(RAW)
    async with serving(publisher.app) as url, clerk_http() as http:
        verifier = AlertVerifier(url, http)
        await verifier.verify(RAW, headers[IDENTIFIER], headers[SIGNATURE])
        for identifier in "abc":
            with pytest.raises(Unauthenticated):
                await verifier.verify(RAW, identifier, headers[SIGNATURE])
        await verifier.close()
    assert publisher.asked == 1


async def test_strangers_with_unknown_keys_make_it_ask_once_in_two_minutes(scanner: Scanner) -> None:
    publisher, ticks, headers = Publisher(Scanner().published()), Ticks(), scanner.signed(RAW)
    async with serving(publisher.app) as url, clerk_http() as http:
        verifier = AlertVerifier(url, http, ticks)
        for number in range(20):
            ticks.now = number * (REFETCH_SECONDS / 10)
            with pytest.raises(Unauthenticated):
                await verifier.verify(RAW, f"unknown{number}", headers[SIGNATURE])
        await verifier.close()
    assert publisher.asked == 2


async def test_without_any_keys_nothing_is_believed_and_the_scanner_may_come_again(scanner: Scanner) -> None:
    headers = scanner.signed(RAW)
    async with clerk_http() as http:
        verifier = AlertVerifier("http://127.0.0.1:9/", http)
        with pytest.raises(Unavailable):
            await verifier.verify(RAW, headers[IDENTIFIER], headers[SIGNATURE])
        await verifier.close()
