"""Request bodies: read up to a bound, parsed and validated in one place, so that bad input is a clear 400."""

import asyncio
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request

from shared.domain.errors import BadRequest, PayloadTooLarge, RequestTimeout

MAX_BODY_BYTES = 64 * 1024
BODY_SECONDS = 10.0  # for the whole of it, however it dribbles


class Body(BaseModel):
    """A request body: unknown fields are refused, values are taken as they are and not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


B = TypeVar("B", bound=Body)


async def raw_body(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """The body's bytes; PayloadTooLarge as soon as there are more than `most`, RequestTimeout when they don't come."""
    if not _announced(request):
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise PayloadTooLarge(f"The body is larger than {most} bytes; send a smaller one.", limitBytes=most)
                chunks.append(chunk)
    except ClientDisconnect as error:
        raise BadRequest("The connection closed before the whole body had come.") from error
    except TimeoutError as error:
        message = f"The body did not come within {BODY_SECONDS:.0f} seconds; send it again, faster."
        raise RequestTimeout(message, limitSeconds=BODY_SECONDS) from error
    return b"".join(chunks)


def _announced(request: Request) -> bool:
    """Whether a body comes: in HTTP/1 its head says so. A call that is counted has none, mostly."""
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            return bool(value != b"0")
        if name == b"transfer-encoding":
            return True
    return not request.scope["http_version"].startswith("1")


def parsed(raw: bytes, model: type[B]) -> B:
    """The validated body; an empty one counts as `{}`. Raises BadRequest that names each bad field."""
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        problems = [
            {"field": ".".join(str(part) for part in one["loc"]) or "body", "message": one["msg"]}
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        first = problems[0]
        raise BadRequest(f"The body is not valid: {first['field']}: {first['message']}.", errors=problems) from error


async def json_body(request: Request, model: type[B]) -> B:
    return parsed(await raw_body(request), model)
