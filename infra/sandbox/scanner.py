"""A stand-in for GitHub's secret scanning: publishes its keys, signs alerts, and sends one when it is told of a leak.

Served by the stand-in for GitHub (github.py), and by tests on a socket. Its keys are made afresh at each start.
"""

import base64
import json
from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.sandbox.stripe.form import parse

KEYS_PATH = "/meta/public_keys/secret_scanning"
TYPE = "dream_api_platform_key"
PLACE = "https://github.com/octocat/Hello-World/blob/main/config.py"


class Scanner:
    """`alerts` is where alerts go; None where nobody is told."""

    def __init__(self, alerts: str | None = None) -> None:
        self._alerts = alerts
        self._identifier = token_hex(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def routes(self) -> list[Route]:
        return [
            Route(KEYS_PATH, self._keys, methods=["GET"]),
            Route("/_sandbox/leak", self._leak, methods=["POST"]),
        ]

    def app(self) -> Starlette:
        return Starlette(routes=self.routes())

    def signed(self, raw: bytes) -> dict[str, str]:
        """The headers of an alert."""
        signature = self._key.sign(raw, ec.ECDSA(SHA256()))
        return {
            "Content-Type": "application/json",
            "Github-Public-Key-Identifier": self._identifier,
            "Github-Public-Key-Signature": base64.b64encode(signature).decode(),
        }

    def published(self) -> dict[str, Any]:
        """Its key, as the list of keys has it."""
        return {"key_identifier": self._identifier, "key": pem(self._key.public_key()), "is_current": True}

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"public_keys": [self.published()]})

    async def _leak(self, request: Request) -> Response:
        given = {name: str(value) for name, value in parse((await request.body()).decode("utf-8", "replace")).items()}
        if self._alerts is None or "token" not in given:
            return JSONResponse({"message": "send token=pk_live_… and, if you like, url=https://…"}, 400)
        raw = alert([given["token"]], url=given.get("url", PLACE))
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.post(self._alerts, content=raw, headers=self.signed(raw))
        return Response(answer.content, answer.status_code, media_type="application/json")


def alert(tokens: Sequence[str], url: str = PLACE, **more: Any) -> bytes:
    """An alert's body, that all of these were found in one place."""
    return json.dumps(
        [{"token": one, "type": TYPE, "url": url, "source": "content", **more} for one in tokens]
    ).encode()


def pem(key: PublicKeyTypes) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
