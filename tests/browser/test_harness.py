"""The checks themselves: each finds what it is there to find, and lets a good page pass."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser import looks
from tests.browser.conftest import Product
from tests.browser.people import DEVELOPERS, END_USERS, signed_in_at
from tests.browser.watch import Watcher
from tests.serving import serving

BODIES = {
    "good": "<main><h1>Fine</h1></main>",
    "throws": "<script>throw new Error('oops')</script>",
    "complains": "<script>console.error('oops')</script>",
    "misses": "<img src=/nothing.png alt=nothing>",
    "leaks": "<img src=http://elsewhere.example/x.png alt=leak>",
    "wide": "<p id=wide>wide</p><style>#wide { width: 500px }</style>",
    "boxed": "<div><p>wide</p></div><style>div { overflow: auto } p { width: 500px }</style>",
    # After a frame, for what was never shown does not move.
    "jumps": "<main>text</main><script>requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => "
    "document.body.prepend(Object.assign(document.createElement('p'), { textContent: 'late' })), 50)))</script>",
    "unreadable": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>",
}


async def shown(request: Request) -> Response:
    head = "<!doctype html><html lang=en><title>A page</title><link rel=icon href='data:,'><body>"
    return HTMLResponse(head + BODIES[request.path_params["name"]])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[str]:
    async with serving(Starlette(routes=[Route("/{name:str}", shown)])) as url:
        yield url


@pytest.fixture
def watcher() -> Watcher:
    """Asked by the test itself here; nobody else complains."""
    return Watcher()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("throws", ["uncaught in the page: oops"]),
        ("complains", ["console error: oops"]),
        ("leaks", ["a request beyond loopback: http://elsewhere.example/x.png"]),
        ("good", []),
    ],
)
async def test_tells_what_went_wrong_in_a_page(
    name: str, told: list[str], page: Page, watcher: Watcher, site: str
) -> None:
    await page.goto(f"{site}/{name}")
    await page.wait_for_load_state("networkidle")
    found = watcher.problems()
    assert [start for start in told if not any(one.startswith(start) for one in found)] == [], found
    assert bool(found) == bool(told)


async def test_a_failed_answer_is_a_problem_unless_expected_and_a_missing_one_is_too(
    page: Page, watcher: Watcher, site: str
) -> None:
    await page.goto(site + "/misses", wait_until="networkidle")
    assert any(one.endswith("/nothing.png: 500") for one in watcher.problems())
    watcher.expect(500, "/nothing.png")
    await page.reload(wait_until="networkidle")
    assert watcher.problems() == []
    watcher.expect(409, "/api/signup")
    assert watcher.problems() == ["no 409 came from /api/signup"]


async def test_finds_what_does_not_fit_a_small_screen(page: Page, site: str) -> None:
    await page.goto(site + "/wide")
    with pytest.raises(AssertionError, match='id="wide"'):
        await looks.fits(page)
    await page.goto(site + "/boxed")
    await looks.fits(page)


async def test_finds_what_moves_by_itself(page: Page, site: str) -> None:
    await page.goto(site + "/jumps")
    await page.get_by_text("late").wait_for()
    with pytest.raises(AssertionError, match="moved"):
        await looks.stands_still(page)
    await page.goto(site + "/good")
    await looks.stands_still(page)


async def test_finds_what_not_everybody_can_read(page: Page, site: str) -> None:
    await page.goto(site + "/unreadable")
    with pytest.raises(AssertionError, match="image-alt"):
        await looks.axe(page)
    await page.goto(site + "/good")
    await looks.axe(page)
    assert await looks.own_bytes(page, site + "/good") < 200


@pytest.mark.parametrize("app", [DEVELOPERS, END_USERS])
async def test_signs_in_at_both_apps(app: str, page: Page, watcher: Watcher, product: Product) -> None:
    await page.goto(product.url(app, "/sign-in"))
    await looks.axe(page)
    await looks.fits(page)
    async with serving(Starlette(routes=[Route("/", _clerk_page(product.layout.url(app)))])) as url:
        await signed_in_at(page, product.layout, app, "somebody@example.com", url + "/")
        email = await page.evaluate("Clerk.user.primaryEmailAddress.emailAddress")
    assert email == "somebody@example.com"
    assert watcher.problems() == []


def _clerk_page(clerk: str) -> Callable[[Request], Awaitable[Response]]:
    async def answered(_request: Request) -> Response:
        script = f"<script src='{clerk}/npm/@clerk/clerk-js@6/dist/clerk.browser.js'></script>"
        return HTMLResponse(
            f"<!doctype html><title>A page</title><link rel=icon href=data:,>{script}<script>Clerk.load()</script>"
        )

    return answered
