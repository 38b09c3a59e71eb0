"""Pages and their files over a real socket: policy, headers, entity tags, versions, and what is not there."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.web.errors import exception_handlers
from shared.web.log import RequestLog
from shared.web.pages import Files, filled, page, policy
from tests.serving import serving

CLERK = "https://clerk.example.com"
POLICY = policy(CLERK, ["https://api.example.com"])


async def hello(request: Request) -> Response:
    return page(request, "<!doctype html><title>Hello</title>", POLICY)


async def secret(request: Request) -> Response:
    return page(request, "<!doctype html><title>Gone</title>", POLICY, status=410, cache="no-store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "views").mkdir()
    (tmp_path / "app.js").write_text('import "./views/one.js";')
    (tmp_path / "views" / "one.js").write_text("export {};")
    (tmp_path / "page.html").write_text("a template, not a file")
    return tmp_path


@pytest.fixture
def files(folder: Path) -> Files:
    return Files(folder, "/static")


@pytest.fixture
async def http(files: Files) -> AsyncIterator[httpx2.AsyncClient]:
    routes = [Route("/", hello), Route("/secret", secret), Route("/static/{version}/{file:path}", files.serve)]
    middleware = [Middleware(RequestLog, service="test")]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers)
    app.router.redirect_slashes = False
    async with serving(app) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        yield http


@pytest.mark.parametrize(
    "path",
    [
        "/static/{version}/missing.js",
        "/static/{version}/page.html",
        "/static/{version}/../../pyproject.toml",
        "/static/{version}/%2e%2e/%2e%2e/etc/passwd",
        "/static/app.js",
    ],
)
async def test_what_is_not_a_file_of_the_folder_is_a_404(http: httpx2.AsyncClient, files: Files, path: str) -> None:
    version = files.base.rsplit("/", 1)[1]
    answer = await http.get(path.replace("{version}", version))
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_naming_a_file_that_is_not_there_fails_at_start(files: Files) -> None:
    with pytest.raises(KeyError):
        files.address("missing.js")


async def test_a_page_allows_no_inline_script_and_only_the_origins_it_was_given(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/")
    directives = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in directives["script-src"]
    assert directives["script-src"].split()[:2] == ["'self'", CLERK]
    assert directives["connect-src"].split()[:3] == ["'self'", CLERK, "https://api.example.com"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["object-src"] == "'none'"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("sent", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
async def test_a_page_the_browser_has_is_a_304_with_its_headers(http: httpx2.AsyncClient, sent: str) -> None:
    first = await http.get("/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await http.get("/", headers={"If-None-Match": sent.replace("{tag}", first.headers["ETag"])})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Security-Policy"] == POLICY


async def test_a_page_the_browser_has_not_is_sent_whole(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/", headers={"If-None-Match": '"other"'})
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>Hello</title>")


async def test_an_error_page_keeps_its_status_and_is_not_kept(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/secret", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (410, "no-store")


async def test_head_says_what_get_would(http: httpx2.AsyncClient, files: Files) -> None:
    for path in ("/", files.address("app.js")):
        head, got = await http.head(path), await http.get(path)
        assert head.content == b""
        for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
            assert head.headers[name] == got.headers[name]


async def test_a_file_of_this_version_may_be_kept_for_ever(http: httpx2.AsyncClient, files: Files) -> None:
    answer = await http.get(files.address("views/one.js"))
    assert (answer.status_code, answer.text) == (200, "export {};")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    again = await http.get(files.address("views/one.js"), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


async def test_a_file_of_another_version_is_the_present_one_and_not_kept(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/static/0123456789abcdef/app.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_any_change_makes_another_version(folder: Path, files: Files) -> None:
    (folder / "views" / "one.js").write_text("export const one = 1;")
    assert Files(folder, "/static").base != files.base
    (folder / "views" / "one.js").write_text("export {};")
    assert Files(folder, "/static").base == files.base


def test_a_value_in_a_template_can_not_leave_its_attribute() -> None:
    assert filled('<p data-x="$x">', {"x": '"><script>'}) == '<p data-x="&quot;&gt;&lt;script&gt;">'
    with pytest.raises(KeyError):
        filled("$missing", {})
