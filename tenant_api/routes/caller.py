"""What every route starts with: what serves it, and which end-user is called for. Called by the other routes only."""

from starlette.requests import Request

from shared.domain.errors import BadRequest
from shared.domain.principal import EndUser
from shared.web.auth import bearer
from shared.web.log import note
from tenant_api.deps import Deps


def deps_of(request: Request) -> Deps:
    found: Deps = request.state["deps"]
    return found


async def end_user_of(request: Request) -> EndUser:
    """The end-user this request is for, noted for the log."""
    end_user = await deps_of(request).authentication.end_user(
        bearer(request), _text(request, "X-User-Id"), _text(request, "X-User-Plan")
    )
    note(request.scope, platformId=end_user.platform_id, userId=end_user.user_id, keyLastFour=end_user.key_last_four)
    return end_user


def _text(request: Request, name: str) -> str | None:
    """A header as UTF-8, which the server hands on as single bytes; BadRequest when doubled or not UTF-8."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise BadRequest(f"{name} is sent once.", header=name)
    try:
        return values[0].encode("latin-1").decode() if values else None
    except UnicodeDecodeError as error:
        raise BadRequest(f"{name} is not UTF-8.", header=name) from error
