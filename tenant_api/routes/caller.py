"""What every route starts with: what serves it, and which end-user is called for. Called by the other routes only."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.types import Scope

from shared.domain.errors import BadRequest
from shared.domain.principal import EndUser, Platform
from shared.web.auth import bearer, bearer_of
from shared.web.log import note
from tenant_api.deps import Deps

MOST_CHARACTERS = 1000


def deps_of(request: Request) -> Deps:
    found: Deps = request.scope["state"]["deps"]
    return found


async def end_user_of(request: Request) -> EndUser:
    """The end-user this request is for, noted for the log."""
    credentials: list[bytes] = []
    user_ids: list[bytes] = []
    plans: list[bytes] = []
    wanted = {b"authorization": credentials, b"x-user-id": user_ids, b"x-user-plan": plans}
    for name, value in request.scope["headers"]:
        if name in wanted:
            wanted[name].append(value)
    end_user = await deps_of(request).authentication.end_user(
        bearer_of(credentials), _text("X-User-Id", user_ids), _text("X-User-Plan", plans)
    )
    _note(request.scope, end_user)
    return end_user


def remembered_end_user(scope: Scope, sent: Mapping[bytes, bytes]) -> EndUser | None:
    """The same where nothing has to be looked up, of a request whose headers (`sent`) all differ; else None."""
    deps: Deps = scope["state"]["deps"]
    user_id, plan = sent.get(b"x-user-id"), sent.get(b"x-user-plan")
    end_user = deps.authentication.remembered(
        bearer_of((sent[b"authorization"],)),
        None if user_id is None else _text("X-User-Id", (user_id,)),
        None if plan is None else _text("X-User-Plan", (plan,)),
    )
    if end_user is not None:
        _note(scope, end_user)
    return end_user


def _note(scope: Scope, end_user: EndUser) -> None:
    note(scope, platformId=end_user.platform_id, userId=end_user.user_id, keyLastFour=end_user.key_last_four)


async def platform_of(request: Request) -> Platform:
    """The platform whose developer asks, by its key; noted for the log."""
    platform = await deps_of(request).authentication.platform(bearer(request))
    note(request.scope, platformId=platform.platform_id, keyLastFour=platform.key_last_four)
    return platform


def text_of(request: Request, name: str) -> str | None:
    """A query parameter; None where it is absent or empty, BadRequest where it is sent twice or far too long."""
    values = request.query_params.getlist(name)
    if len(values) > 1 or len(values[0] if values else "") > MOST_CHARACTERS:
        raise BadRequest(f"{name} is sent once and has at most {MOST_CHARACTERS} characters.", field=name)
    return values[0] or None if values else None


def number_of(request: Request, name: str, otherwise: int, most: int) -> int:
    """A whole number from 1 to `most` in the query."""
    text = text_of(request, name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        raise BadRequest(f"{name} is a whole number from 1 to {most}.", field=name)
    return int(text)


def _text(name: str, values: Sequence[bytes]) -> str | None:
    """A header as UTF-8; BadRequest when doubled or not UTF-8."""
    if len(values) > 1:
        raise BadRequest(f"{name} is sent once.", header=name)
    try:
        return values[0].decode() if values else None
    except UnicodeDecodeError as error:
        raise BadRequest(f"{name} is not UTF-8.", header=name) from error
