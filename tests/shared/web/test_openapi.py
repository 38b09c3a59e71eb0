"""The description as a document and as a page."""

from html.parser import HTMLParser

from pydantic import Field

from shared.domain.errors import Conflict, TierLimitReached
from shared.web.body import Body
from shared.web.docs_page import POLICY, docs_page
from shared.web.openapi import Answer, Operation, Parameter, document

SCHEMES = {"key": {"type": "http", "scheme": "bearer", "description": "Somebody with a key"}}


class Wanted(Body):
    units: int = Field(default=1, ge=1, le=9)


class Given(Answer):
    some_count: int


OPERATIONS = {
    ("POST", "/things/{name}"): Operation(
        "Makes <things> & more.",
        Given,
        ("key",),
        body=Wanted,
        parameters=(Parameter("name", "Which thing.", "path"),),
        errors=(TierLimitReached, Conflict),
        metered=True,
    ),
    ("GET", "/files/{file:path}"): Operation("A file.", "text/css", store=False),
}


def test_an_operation_says_what_follows_from_its_parts() -> None:
    told = document("Things", OPERATIONS, SCHEMES)["paths"]["/things/{name}"]["post"]
    assert set(told["responses"]) == {"200", "400", "401", "403", "408", "409", "413", "422", "429", "500", "503"}
    assert told["security"] == [{"key": []}]
    assert [one["name"] for one in told["parameters"]] == ["name", "Idempotency-Key"]
    assert "Retry-After" in told["responses"]["503"]["headers"]


def test_models_become_schemas_that_refuse_other_members() -> None:
    schemas = document("Things", OPERATIONS, SCHEMES)["components"]["schemas"]
    assert schemas["Given"]["required"] == ["someCount"]
    assert schemas["Given"]["additionalProperties"] is False
    assert schemas["Wanted"]["properties"]["units"]["maximum"] == 9


def test_a_path_is_told_without_the_converters_of_the_router() -> None:
    assert set(document("Things", OPERATIONS, SCHEMES)["paths"]) == {"/things/{name}", "/files/{file}"}


def test_the_page_tells_everything_and_loads_nothing() -> None:
    page = docs_page(document("Things", OPERATIONS, SCHEMES))
    for word in ("/things/{name}", "someCount", "units", "tier_limit_reached", "Somebody with a key", "text/css"):
        assert word in page
    assert "Makes &lt;things&gt; &amp; more." in page
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert all(value is None or value.startswith("#") for name, value in attrs if name in {"href", "src"})

    Reader().feed(page)
    assert not {"script", "link", "img", "iframe"} & set(tags)
    assert "script-src" not in POLICY
    assert "default-src 'none'" in POLICY
