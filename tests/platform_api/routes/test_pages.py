"""The landing page, the dashboard and their files, as a browser asks for them."""

import re

import httpx2
import pytest

from platform_api.routes.pages import FOLDER
from platform_api.settings import Settings
from tests.platform_api.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("/", "/dashboard")


async def get(service: Service, path: str) -> httpx2.Response:
    answer = await service.http.get(path)
    assert answer.status_code == 200, path
    return answer


def own_files(text: str) -> set[str]:
    return set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/x", "/index.html", "/static/", "/static/x/dashboard.html"])
async def test_what_is_no_page_is_a_404(service: Service, path: str) -> None:
    answer = await service.http.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_page_takes_no_post(service: Service) -> None:
    answer = await service.http.post("/dashboard")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_no_script_but_its_own_files_and_clerks(
    service: Service, settings: Settings, path: str
) -> None:
    answer = await get(service, path)
    directives = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    issuer = settings.developer_clerk.issuer
    assert directives["script-src"].split()[:2] == ["'self'", issuer]
    called = set(directives["connect-src"].split())
    assert {"'self'", issuer, settings.oauth_bridge_url, settings.tenant_api_url} < called
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_asked_for_each_time_and_sent_once(service: Service, path: str) -> None:
    first = await get(service, path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = await service.http.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await service.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.content))


@pytest.mark.parametrize("path", PAGES)
async def test_every_file_a_page_names_is_there_and_may_be_kept(service: Service, path: str) -> None:
    files = own_files((await get(service, path)).text)
    assert files
    for file in files:
        assert "immutable" in (await get(service, file)).headers["Cache-Control"]


async def test_every_module_imports_what_is_there() -> None:
    for module in FOLDER.rglob("*.js"):
        for name in re.findall(r'(?:from|import\()\s*"([^"]+)"', module.read_text()):
            assert name.startswith("."), f"{module.name} imports {name}"
            assert (module.parent / name).is_file(), f"{module.name} imports {name}"


async def test_no_module_makes_html_of_text() -> None:
    for module in FOLDER.rglob("*.js"):
        text = module.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b", text), module
        assert len(text.splitlines()) <= 300, module


async def test_the_dashboard_is_told_where_the_services_are_and_nothing_secret(
    service: Service, settings: Settings
) -> None:
    text = (await get(service, "/dashboard")).text
    clerk = settings.developer_clerk
    assert f'data-tenant="{settings.tenant_api_url}"' in text
    assert f'data-bridge="{settings.oauth_bridge_url}"' in text
    assert f'data-clerk-publishable-key="{clerk.publishable_key}"' in text
    assert f'src="{clerk.issuer}/npm/@clerk/clerk-js@6/dist/clerk.browser.js"' in text
    assert clerk.secret_key.get_secret_value() not in text
    assert settings.credential_keys.get_secret_value() not in text


async def test_the_landing_page_says_both_plans(service: Service) -> None:
    text = (await get(service, "/")).text
    assert "5 calls a month" in text
    assert "500 calls a month" in text
    assert "$29" in text
