"""One running product and one browser for all tests of this folder; each test has pages of its own, all watched.

They run by `make test-browser` only: everything here is marked `browser`, which plain `make test` leaves out.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from infra.sandbox.layout import Layout
from tests.browser import chromium, looks
from tests.browser.watch import Watcher
from tests.infra.running import Sandbox

TIMEOUT_MILLISECONDS = 10_000


@dataclass(frozen=True)
class Product:
    """A running sandbox, as it told of itself at its start."""

    layout: Layout
    platform_id: str
    api_key: str

    def url(self, part: str, path: str = "") -> str:
        """The address of a part, by its name in infra.sandbox.layout."""
        return self.layout.url(part) + path


NewPage = Callable[..., Awaitable[Page]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            # The browser lives in one event loop, so every test of the folder runs in it.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def told_by(sandbox: Sandbox) -> Product:
    """Start a sandbox and read what it tells."""
    told = sandbox.start()
    platform_id, api_key = re.search(r"plt_\w+", told), re.search(r"pk_live_\w+", told)
    assert platform_id, told
    assert api_key, told
    return Product(sandbox.layout, platform_id.group(), api_key.group())


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product with its stand-ins, seeded, on a folder of its own and in memory."""
    sandbox = Sandbox(tmp_path_factory.mktemp("product") / "state")
    try:
        yield told_by(sandbox)
    finally:
        sandbox.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium.found()
    if path is None:
        pytest.exit(chromium.MISSING, returncode=1)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        yield opened
        await opened.close()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """Fails the test in whose pages something went wrong; `watcher.expect` says what is wanted."""
    watching = Watcher()
    yield watching
    assert watching.problems() == []


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(browser: Browser, watcher: Watcher) -> AsyncIterator[NewPage]:
    """Opens pages, each in a browser session of its own, such as `width=360, color_scheme="dark"`."""
    contexts = []

    async def opened(width: int = looks.WIDE, height: int = 900, **more: Any) -> Page:
        settings = {"locale": "en-US", "timezone_id": "UTC", "reduced_motion": "reduce"} | more
        context = await browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        await context.add_init_script(looks.COUNT_SHIFTS)
        watcher.watch(context)
        return await context.new_page()

    yield opened
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(new_page: NewPage) -> Page:
    """One page, large and light, signed in nowhere."""
    return await new_page()
