"""The API described: an OpenAPI 3.1 document made of a service's route table and of the models that validate.

Each service's description.py says what its routes do; `described` gives the two routes that show it, `/openapi.json`
and `/docs`. A test holds every description against the routes there are.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from shared import VERSION
from shared.domain import errors
from shared.domain.errors import ApiError
from shared.web.body import Body
from shared.web.docs_page import POLICY, docs_page
from shared.web.pages import page

JSON = "application/json"
HTML = "text/html"
METHODS = ("get", "put", "post", "delete", "patch")
_REF = "#/components/schemas/"
_PERMITTED_BY_ROUTER = {"HEAD"}  # Starlette adds it to every GET


class Answer(BaseModel):
    """The JSON of an answer: camelCase members, no others than these."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query, header or path parameter that a route reads; `schema` is a JSON schema."""

    name: str
    text: str
    where: Literal["query", "header", "path"] = "query"
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one route does.

    `callers` are names of the document's security schemes, any one of them is enough; none means everybody. `answer`
    is the model of a JSON answer, a media type, or None for an answer without a body. `body` is the model of the JSON
    body, or `object` for one that is signed and read as it came. `pages` are statuses that are told as HTML instead.
    """

    summary: str
    answer: type[BaseModel] | str | None
    callers: tuple[str, ...] = ()
    body: type[Body] | type[object] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[type[ApiError], ...] = ()
    status: int = 200
    metered: bool = False
    store: bool = True
    pages: tuple[int, ...] = ()


IDEMPOTENCY = Parameter(
    "Idempotency-Key",
    "A retry with the same key within 24 hours is answered as the first call was, and not counted again.",
    "header",
    schema={"type": "string", "minLength": 1, "maxLength": 255},
)

Operations = Mapping[tuple[str, str], Operation]


def endpoints(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """Every (METHOD, path) that a route table takes, but for the HEAD that goes with each GET."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Route):
            methods = route.methods or {name.upper() for name in METHODS if hasattr(route.endpoint, name)}
            found |= {(method, route.path) for method in methods - _PERMITTED_BY_ROUTER}
    return found


def document(title: str, operations: Operations, schemes: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenAPI document."""
    schemas = _schemas(operations.values())
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in operations.items():
        # Starlette's converters ("{file:path}") are no business of who reads this.
        public = "/".join(part.split(":")[0] + "}" if ":" in part else part for part in path.split("/"))
        paths.setdefault(public, {})[method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": dict(schemes),
            "headers": _HEADERS,
        },
    }


def described(title: str, operations: Operations, schemes: Mapping[str, Any]) -> list[Route]:
    """The routes that show the description: for programs, and for people. Made when somebody first asks for it."""

    @cache
    def told() -> tuple[str, str]:
        found = document(title, operations, schemes)
        return json.dumps(found), docs_page(found)

    async def openapi(_request: Request) -> Response:
        text, _ = told()
        return Response(text, media_type=JSON, headers={"Access-Control-Allow-Origin": "*"})

    async def docs(request: Request) -> Response:
        _, html = told()
        return page(request, html, POLICY)

    return [Route("/openapi.json", openapi, methods=["GET"]), Route("/docs", docs, methods=["GET"])]


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models = [model for one in operations for model in (one.answer, one.body) if isinstance(model, type)]
    distinct = dict.fromkeys(model for model in models if issubclass(model, BaseModel))
    # By validation: a member with a default is one that may be missing, in answers as in bodies.
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in distinct]
    _, found = models_json_schema(wanted, ref_template=_REF + "{model}")
    schemas: dict[str, Any] = found.get("$defs", {})
    return dict(sorted((schemas | {"Error": _ERROR}).items()))


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": operation.summary}
    told["security"] = [{name: []} for name in operation.callers]
    parameters = [*operation.parameters, *([IDEMPOTENCY] if operation.metered else [])]
    if parameters:
        told["parameters"] = [_parameter(one) for one in parameters]
    if operation.body is not None:
        told["requestBody"] = {"content": {JSON: {"schema": _schema_of(operation.body)}}}
    told["responses"] = _answers(operation)
    return told


def _parameter(one: Parameter) -> dict[str, Any]:
    required = one.required or one.where == "path"
    return {
        "name": one.name,
        "in": one.where,
        "description": one.text,
        "required": required,
        "schema": dict(one.schema),
    }


def _schema_of(model: type[Any]) -> dict[str, Any]:
    return {"$ref": _REF + model.__name__} if issubclass(model, BaseModel) else {"type": "object"}


def _answers(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done." if operation.status < 300 else "Go on there."}
    if isinstance(operation.answer, type):
        good["content"] = {JSON: {"schema": _schema_of(operation.answer)}}
    elif operation.answer is not None:
        good["content"] = {operation.answer: {"schema": {"type": "string"}}}
    names = ["X-Request-Id", *(["RateLimit", "RateLimit-Policy", "Idempotent-Replayed"] if operation.metered else [])]
    good["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    found = {str(operation.status): good}
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in _errors(operation):
        by_status.setdefault(error.status, []).append(error)
    for status in sorted({*by_status, *operation.pages}):
        told: dict[str, Any] = {"description": "A page says so.", "content": {}, "headers": {}}
        if status in by_status:
            told = _refusal(status, by_status[status])
        if status in operation.pages:
            told["content"][HTML] = {"schema": {"type": "string"}}
        found[str(status)] = told
    return found


def _errors(operation: Operation) -> list[type[ApiError]]:
    """What is said of a route, and what follows from its parts."""
    found = list(operation.errors)
    if operation.body is not None:
        found += [errors.BadRequest, errors.PayloadTooLarge, errors.RequestTimeout]
    if operation.callers:
        found += [errors.Unauthenticated]
    if operation.metered:
        found += [errors.BadRequest, errors.IdempotencyKeyReused, errors.RateLimited]
    if operation.store:
        found += [errors.Unavailable]
    # The guard in front of every route refuses what is too much (shared/web/guard.py).
    return list(dict.fromkeys([*found, errors.RateLimited, errors.Overloaded, ApiError]))


def _refusal(status: int, kinds: Sequence[type[ApiError]]) -> dict[str, Any]:
    codes = sorted({kind.code for kind in kinds})
    schema = {"allOf": [{"$ref": _REF + "Error"}, {"properties": {"error": {"enum": codes}}}]}
    names = ["X-Request-Id", *_REFUSAL_HEADERS.get(status, ())]
    return {
        "description": ", ".join(codes),
        "content": {JSON: {"schema": schema}},
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }


_REFUSAL_HEADERS = {
    401: ("WWW-Authenticate",),
    403: ("RateLimit", "RateLimit-Policy", "Retry-After"),
    429: ("RateLimit", "RateLimit-Policy", "Retry-After"),
    503: ("Retry-After",),
}

_ERROR = {
    "type": "object",
    "description": "Every refusal: a code for programs, a sentence for people, and facts such as limit or resetsAt.",
    "properties": {
        "error": {"type": "string"},
        "message": {"type": "string"},
        "requestId": {"type": "string"},
    },
    "required": ["error", "message", "requestId"],
}


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


_HEADERS = {
    "X-Request-Id": _header("The request's id, the caller's own or ours; it is in the log and in every error."),
    "RateLimit": _header("What is left of each limit, and the seconds until it is whole again."),
    "RateLimit-Policy": _header("The limits: a month's units and a minute's calls."),
    "Retry-After": _header("Seconds after which the same request may succeed."),
    "Idempotent-Replayed": _header("`true` when this is the stored answer to an earlier call with the same key."),
    "WWW-Authenticate": _header("Bearer."),
}
