"""The gate before the engine: a service gets only what infra/access.py grants it, as its IAM role would.

Started by the supervisor. Who asks is read from the access key id that the request is signed with (the sandbox's ids
are the services' names); `operator` may do anything and is used by the sandbox itself. `GET /_gate/log` tells who did
what, so that a test can prove what never happened.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.access import needed, refusal
from infra.sandbox.layout import HOST, OPERATOR

_SIGNER = re.compile(r"Credential=([^/,\s]+)/")
_FORWARDED = ("x-amz-target", "content-type", "authorization", "x-amz-date", "x-amz-security-token")
_JSON = "application/x-amz-json-1.0"
_TIMEOUT_SECONDS = 10


class Gate:
    """One gate. `seen` counts (service, operation, table, allowed)."""

    def __init__(self, engine_url: str, prefix: str = "") -> None:
        self._engine_url = engine_url
        self._prefix = prefix
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, limits=limits, trust_env=False)
        self.seen: Counter[tuple[str, str, str, bool]] = Counter()

    def app(self) -> Starlette:
        routes = [
            Route("/_gate/log", self._log, methods=["GET", "DELETE"]),
            Route("/", self._request, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._http:
            yield

    async def _request(self, request: Request) -> Response:
        service = _signer(request)
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        body = await request.body()
        refused = self._judged(service, operation, body)
        if refused is not None:
            return _error(400, "AccessDeniedException", refused)
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        headers["accept-encoding"] = "identity"
        try:
            answer = await self._http.post(self._engine_url, content=body, headers=headers)
        except httpx.HTTPError:
            return _error(503, "ServiceUnavailable", "The engine does not answer.")
        # Only these: the answer comes unpacked, so its own encoding and length no longer hold.
        kept = {name: answer.headers[name] for name in ("content-type", "x-amz-crc32") if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)

    def _judged(self, service: str, operation: str, body: bytes) -> str | None:
        if service == OPERATOR:
            return None
        try:
            asked: dict[str, Any] = json.loads(body)
        except ValueError:
            return "the request's body is no JSON"
        refused = refusal(service, operation, asked, self._prefix)
        for table, action in needed(operation, asked):
            self.seen[service, action, table, refused is None] += 1
        return refused

    async def _log(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.seen.clear()
            return Response(status_code=204)
        names = ("service", "operation", "table", "allowed")
        entries = [dict(zip(names, key, strict=True)) | {"count": count} for key, count in self.seen.items()]
        return JSONResponse({"requests": entries})


def _signer(request: Request) -> str:
    found = _SIGNER.search(request.headers.get("authorization", ""))
    return found.group(1) if found else ""


def _error(status: int, code: str, message: str) -> Response:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return JSONResponse(body, status, media_type=_JSON)


def main() -> None:
    """`python -m infra.sandbox.gate --port P --engine URL [--prefix PREFIX]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--prefix", default="")
    asked = parser.parse_args()
    gate = Gate(asked.engine, asked.prefix)
    uvicorn.run(gate.app(), host=HOST, port=asked.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
