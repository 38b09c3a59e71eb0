"""JSON answers of the routes that are called most: one step from values to bytes, with the headers they were given.

Called by the metered routes and by shared.web.errors; every other route uses Starlette's JSONResponse.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct
from starlette.responses import Response


class Said(Struct, frozen=True, gc=False):
    """An answer that is not written yet: its values."""

    body: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]

    def written(self) -> "JsonAnswer":
        return JsonAnswer(self.body, self.status, self.headers)


class JsonAnswer(Response):
    """Like JSONResponse, written by a faster encoder."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", b"application/json"),
        ]
        if headers:
            self.raw_headers += [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
            ]
