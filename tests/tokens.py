"""A Clerk app of the tests' own: tokens really signed with a fresh key pair, and the key set to serve on a socket.

`async with serving(issuer.app) as address: settings = issuer.clerk_app(address)`.
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.settings import ClerkApp

PARTY = "https://app.example.com"
TEMPLATE_CATEGORY = "cl_B7d4PD222AAA"


def segment(raw: bytes) -> str:
    """One dot-separated part of a token."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return segment(value.to_bytes((value.bit_length() + 7) // 8))


class Issuer:
    """One Clerk app. `url` is right once `clerk_app` has been called; `fetches` counts key set reads."""

    def __init__(self, kid: str = "ins_test_1") -> None:
        self.url = "https://clerk.example.com"
        self.kid = kid
        self.fetches = 0
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.add_key(kid)
        self.app = Starlette(routes=[Route("/.well-known/jwks.json", self._key_set)])

    def add_key(self, kid: str) -> None:
        """Publish a further key and sign with it from now on."""
        self.keys[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = kid

    def clerk_app(self, base_url: str, parties: str = PARTY) -> ClerkApp:
        """Settings of this app at the address. Its tokens name that one from now on: an address each app, once."""
        self.url = base_url.rstrip("/")
        return ClerkApp.model_validate(
            {
                "publishable_key": "pk_test_" + segment(b"clerk.example.com$"),
                "secret_key": "sk_test_of_the_tests",
                "authorized_parties": parties,
                "issuer": self.url,
                "api_url": self.url + "/v1",
            }
        )

    def token(
        self,
        sub: str = "user_1",
        *,
        azp: str | None = PARTY,
        now: float | None = None,
        lifetime: float = 60,
        kid: str | None = None,
        alg: str = "RS256",
        header: Mapping[str, Any] | None = None,
        without: tuple[str, ...] = (),
        **claims: Any,
    ) -> str:
        """A good template token, unless told otherwise.

        `claims` are the template's (`plan`, `platformId`) or overwrite the standard ones (`iss`, `exp`, `nbf`, …);
        `header` overwrites header members (`typ`, `cat`, …); `without` leaves claims out. An unknown `kid` is signed
        with the current key, `alg` "HS256" with the public key as the secret, "none" not at all.
        """
        issued = time.time() if now is None else now
        standard = {"iss": self.url, "sub": sub, "iat": int(issued), "nbf": int(issued) - 5, "jti": "0f3a"}
        body: dict[str, Any] = standard | {"exp": int(issued + lifetime)} | ({"azp": azp} if azp else {}) | claims
        head = {"alg": alg, "cat": TEMPLATE_CATEGORY, "kid": kid or self.kid, "typ": "JWT"} | dict(header or {})
        kept = {name: value for name, value in body.items() if name not in without}
        signing_input = f"{segment(json.dumps(head).encode())}.{segment(json.dumps(kept).encode())}"
        return f"{signing_input}.{segment(self._signature(signing_input.encode(), kid or self.kid, alg))}"

    def _signature(self, signing_input: bytes, kid: str, alg: str) -> bytes:
        key = self.keys.get(kid) or self.keys[self.kid]
        if alg == "none":
            return b""
        if alg == "HS256":
            public = key.public_key()
            pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            return hmac.digest(pem, signing_input, "sha256")
        return key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())

    async def _key_set(self, _request: Request) -> Response:
        self.fetches += 1
        return JSONResponse({"keys": [self._published(kid, key) for kid, key in self.keys.items()]})

    @staticmethod
    def _published(kid: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
        public = key.public_key().public_numbers()
        return {
            "kid": kid,
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": _number(public.n),
            "e": _number(public.e),
        }
