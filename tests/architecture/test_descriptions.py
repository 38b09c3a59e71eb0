"""What /openapi.json says of a service is what the service has: every route, every error, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

import oauth_bridge.app
import oauth_bridge.description
import platform_api.app
import platform_api.description
import tenant_api.app
import tenant_api.description
from shared.domain.errors import ApiError
from shared.web.openapi import Operations, document, endpoints
from tests.tokens import Issuer

SERVICES = {
    "platform_api": (platform_api.app, platform_api.description),
    "tenant_api": (tenant_api.app, tenant_api.description),
    "oauth_bridge": (oauth_bridge.app, oauth_bridge.description),
}


def built(service: str) -> Starlette:
    """The app, never opened: only its route table is looked at."""
    app, _ = SERVICES[service]
    clerk = Issuer().clerk_app("http://127.0.0.1:1")
    given: dict[str, Any] = {"developer_clerk": clerk, "end_user_clerk": clerk, "credential_keys": "A" * 43 + "="}
    settings = __import__(f"{service}.settings", fromlist=["Settings"]).Settings.model_validate(given)
    found: Starlette = app.build(settings)
    return found


def documents() -> Iterator[dict[str, Any]]:
    for _, description in SERVICES.values():
        yield document(description.TITLE, description.OPERATIONS, description.SCHEMES)


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_described_and_every_description_is_a_route(service: str) -> None:
    operations: Operations = SERVICES[service][1].OPERATIONS
    assert endpoints(built(service).routes) == set(operations)


def test_every_error_code_is_described_somewhere() -> None:
    told = {
        code
        for one in documents()
        for methods in one["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for part in content["schema"].get("allOf", ())
        for code in part.get("properties", {}).get("error", {}).get("enum", ())
    }
    assert {kind.code for kind in errors_below(ApiError)} - told == set()


def test_every_reference_leads_somewhere_and_every_caller_is_known() -> None:
    for one in documents():
        for reference in references(one):
            _, *path = reference.split("/")
            found: Any = one
            for part in path:
                found = found[part]
        schemes = one["components"]["securitySchemes"]
        for methods in one["paths"].values():
            for operation in methods.values():
                assert {name for scheme in operation["security"] for name in scheme} <= set(schemes)


def errors_below(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    """The answers of the tree; what the adapters raise below them carries the same codes."""
    yield kind
    for inner in kind.__subclasses__():
        yield from errors_below(inner)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)
