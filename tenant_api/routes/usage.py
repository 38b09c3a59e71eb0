"""`POST /api/data` counts one call of an end-user; `GET /api/usage` shows where they stand. By key or token."""

from time import perf_counter

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from shared.domain.principal import EndUser
from shared.domain.quota import MAX_UNITS
from shared.metering import calls
from shared.metering.calls import Counted
from shared.outside import FAILED, OK, STORE
from shared.web.answers import JsonAnswer, Said
from shared.web.body import MAX_BODY_BYTES, Body, parsed, raw_body
from shared.web.errors import error_said
from shared.web.exchange import Exchange
from shared.web.limits import limit_headers, usage_json
from shared.web.metered import WIRE_NAME, idempotency, refused, told
from shared.web.straight import Straight
from tenant_api.deps import Deps
from tenant_api.routes.caller import deps_of, end_user_of, remembered_end_user


class Call(Body):
    """The body of a metered call."""

    units: int = Field(default=1, ge=1, le=MAX_UNITS)


async def data(request: Request) -> Response:
    deps = deps_of(request)
    end_user = await end_user_of(request)
    raw = await raw_body(request)
    units = _units(raw)
    counted = await deps.usage.count(end_user, units, idempotency(request, raw))
    return _said(request.scope, end_user, units, counted).written()


def data_at_once(exchange: Exchange, straight: Straight) -> bool:
    """Begin the same without a task; False where `data` has to do it: something has to be looked up or is wrong."""
    if WIRE_NAME in exchange.sent or len(exchange.body) > MAX_BODY_BYTES:
        return False
    deps: Deps = exchange.scope["state"]["deps"]
    try:
        end_user = remembered_end_user(exchange.scope, exchange.sent)
        quota = None if end_user is None else deps.usage.quota(end_user)
        if end_user is None or quota is None:
            return False
        call = _CallAtOnce(
            quota,
            _units(exchange.body),
            deps=deps,
            exchange=exchange,
            straight=straight,
            end_user=end_user,
            began=perf_counter(),
        )
        decision = deps.usage.begin(end_user, call)
    except Exception:  # noqa: BLE001 - whatever it is, `data` meets it again, and tells of it
        return False
    if decision is not None:
        call.refused(Counted(decision))
    return True


class _CallAtOnce(calls.Call, eq=False, kw_only=True):
    """A call that is answered on its connection as soon as it is told how it ended."""

    deps: Deps
    exchange: Exchange
    straight: Straight
    end_user: EndUser
    began: float

    def answered(self, counted: Counted) -> None:
        self.exchange.asked.add(STORE, "count", self.began, OK)
        if counted.decision.admitted:
            self._finish(counted)
        else:
            self.refused(counted)

    def failed(self, error: Exception) -> None:
        self.exchange.asked.add(STORE, "count", self.began, FAILED)
        self.straight.fail(self.exchange, error)

    def refused(self, counted: Counted) -> None:
        if self.deps.usage.may_be_renewed(self.end_user, counted.decision):
            self.straight.finish_later(self.exchange, self._renewed(counted))
        else:
            self.deps.usage.refused(self.end_user, counted.decision)
            self._finish(counted)

    def _finish(self, counted: Counted) -> None:
        self.straight.finish(self.exchange, _said, self.exchange.scope, self.end_user, self.units, counted)

    async def _renewed(self, counted: Counted) -> Said:
        counted = await self.deps.usage.renewed(self.end_user, self.units, counted)
        return _said(self.exchange.scope, self.end_user, self.units, counted)


def _units(raw: bytes) -> int:
    return parsed(raw, Call).units if raw else 1


def _said(scope: Scope, end_user: EndUser, units: int, counted: Counted) -> Said:
    """What is answered to a call that was decided so."""
    deps: Deps = scope["state"]["deps"]
    decision, now = counted.decision, deps.clock()
    headers = told(scope, counted, now)
    error = deps.usage.refusal(end_user, units, decision)
    if error is not None:
        return error_said(scope, refused(error, decision, now, headers))
    return Said({"success": True, "usage": usage_json(decision)}, 200, headers)


async def standing(request: Request) -> Response:
    deps = deps_of(request)
    end_user = await end_user_of(request)
    found = await deps.usage.standing(end_user)
    usage = usage_json(found)
    body = {"userId": end_user.user_id, "plan": usage.pop("plan"), "usageCount": usage.pop("count"), **usage}
    return JsonAnswer(body, headers=limit_headers(found, deps.clock()))
