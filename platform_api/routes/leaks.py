"""Leaked keys over HTTP: `POST /webhook/secret-scanning` (a scanner's signature), and what the developer sees of it.

The alert is answered `[{token_hash, token_type, label}]`, in the scanner's own snake_case, one for each token.
"""

from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from platform_api.leak import Policy
from platform_api.leaks import Notice
from platform_api.routes.caller import deps_of, developer_of
from shared.domain.periods import timestamp
from shared.web.body import Body, json_body, raw_body
from shared.web.log import note

MAX_ALERT_BYTES = 512 * 1024


class Chosen(Body):
    """What is to be done with a leaked key."""

    policy: Policy = Field(strict=False)


class Dismissed(Body):
    """The `id` of a notice."""

    id: str = Field(pattern=r"^[0-9a-f]{64}$")


async def webhook(request: Request) -> Response:
    raw = await raw_body(request, MAX_ALERT_BYTES)
    headers = request.headers
    judged = await deps_of(request).leaks.receive(
        raw, headers.get("github-public-key-identifier"), headers.get("github-public-key-signature")
    )
    note(request.scope, tokens=len(judged), real=sum(one.real for one in judged))
    return JSONResponse(
        [
            {
                "token_hash": one.token_hash,
                "token_type": one.type,
                "label": "true_positive" if one.real else "false_positive",
            }
            for one in judged
        ]
    )


async def show(request: Request) -> Response:
    return await _standing(request, (await developer_of(request)).user_id)


async def set_policy(request: Request) -> Response:
    developer = await developer_of(request)
    chosen = await json_body(request, Chosen)
    await deps_of(request).leaks.set_policy(developer.user_id, chosen.policy)
    return await _standing(request, developer.user_id)


async def dismiss(request: Request) -> Response:
    developer = await developer_of(request)
    dismissed = await json_body(request, Dismissed)
    await deps_of(request).leaks.dismiss(developer.user_id, dismissed.id)
    return await _standing(request, developer.user_id)


async def _standing(request: Request, user_id: str) -> Response:
    leaks = deps_of(request).leaks
    standing = await leaks.standing(user_id)
    notices = [_json(one) for one in standing.notices]
    return JSONResponse({"watched": leaks.watched, "policy": standing.policy, "notices": notices})


def _json(notice: Notice) -> dict[str, Any]:
    leak, until = notice.leak, notice.works_until
    return {
        "id": leak.key_hash,
        "keyEnd": leak.key_end,
        "works": until != 0,
        "worksUntil": timestamp(datetime.fromtimestamp(until, UTC)) if until else None,
        "done": leak.deed,
        "doneAt": leak.deed_at,
        "places": [{"url": one.url, "source": one.source, "at": one.at} for one in leak.places],
    }
