"""What every page must be: readable by everybody, fitting a small screen, standing still, light.

Each check is called with a loaded page and fails with what to mend. Screenshots go to build/screenshots.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, Response

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
GRAVE = frozenset({"serious", "critical"})
NARROW = 360
WIDE = 1440

# Runs before each document's own scripts; shifts that answer a click or a key are the person's own doing.
COUNT_SHIFTS = """(() => {
window.__shifts = [];
const note = (entries) => {
  for (const entry of entries) {
    if (entry.hadRecentInput) continue;
    const moved = entry.sources.map(({ node }) => {
      const element = node && (node.nodeType === 1 ? node : node.parentElement);
      return element ? element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") : "?";
    });
    window.__shifts.push({ value: entry.value, moved });
  }
};
const observer = new PerformanceObserver((list) => note(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
// On a busy machine what was seen is told late: take it.
window.__seen = () => (note(observer.takeRecords()), window.__shifts);
})()"""

# What reaches past the right edge, but for what scrolls inside a box of its own.
_OVERFLOWING = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => {
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement)
      if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(one).overflowX)) return true;
    return false;
  };
  const out = [...document.body.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right > width + 0.5 && !scrolls(element);
  });
  const told = out.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
  return { scrolls: document.documentElement.scrollWidth > width, told };
}"""

_AXE = """() => axe.run({ resultTypes: ["violations"] })"""


async def axe(page: Page) -> None:
    """Nothing serious or critical is found by axe-core."""
    if not await page.evaluate("() => 'axe' in window"):  # it is half a megabyte; a document keeps it
        await page.evaluate(AXE_SCRIPT)
    violations: Sequence[dict[str, Any]] = (await page.evaluate(_AXE))["violations"]
    grave = [
        f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:160]}"
        for one in violations
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    assert grave == [], "\n".join(grave)


async def fits(page: Page, width: int = NARROW) -> None:
    """At this width nothing reaches past the edge and the page does not scroll sideways."""
    before = page.viewport_size
    await page.set_viewport_size({"width": width, "height": 800})
    found = await page.evaluate(_OVERFLOWING)
    if before is not None:
        await page.set_viewport_size(before)
    assert not found["scrolls"], found["told"]
    assert found["told"] == []


async def stands_still(page: Page, most: float = 0.0) -> None:
    """Since the page was loaded nothing has moved by itself. Chromium tells shifts once a frame: two are awaited."""
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shifts = await page.evaluate("window.__seen()")
    assert sum(one["value"] for one in shifts) <= most, shifts


async def screenshot(page: Page, name: str, *, full: bool = True) -> Path:
    """A picture for people to look at: build/screenshots/<name>.png."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    await page.screenshot(path=path, full_page=full)
    return path


async def portraits(page: Page, name: str) -> None:
    """The page on a small and a large screen, light and dark: four pictures. Leaves the page large and light."""
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for width in (NARROW, WIDE):
            await page.set_viewport_size({"width": width, "height": 800 if width == NARROW else 900})
            await screenshot(page, f"{name}-{width}-{scheme}")


async def own_bytes(page: Page, url: str) -> int:
    """Open the address; how many bytes of it and of its files come from the same origin."""
    answers: list[Response] = []
    origin = "/".join(url.split("/")[:3])

    def note(response: Response) -> None:
        if response.url.startswith(origin + "/") and response.request.resource_type in {
            *("document", "script", "stylesheet", "image", "font")
        }:
            answers.append(response)

    page.on("response", note)
    await page.goto(url, wait_until="networkidle")
    page.remove_listener("response", note)
    return sum([len(await answer.body()) for answer in answers])
