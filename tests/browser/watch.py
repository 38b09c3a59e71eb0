"""Watches every page of a test: console errors, uncaught exceptions, failed answers, requests beyond loopback.

The fixture `watcher` fails the test that leaves any behind. A test that wants a refusal says so with `expect`.
"""

from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, Response, WebError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


class Watcher:
    """What went wrong in the pages of one test."""

    def __init__(self) -> None:
        self._problems: list[tuple[str, str]] = []  # the address it is about, and the sentence
        self._expected: list[tuple[int, str]] = []
        self._met: set[tuple[int, str]] = set()
        self._refused: set[str] = set()
        self._unreachable: set[str] = set()
        self.requested: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._uncaught)
        context.on("request", self._request)
        context.on("response", self._response)

    def expect(self, status: int, path: str) -> None:
        """Answers of this status at an address whose path ends like this are what the test wants, at least one."""
        self._expected.append((status, path))

    def expect_unreachable(self, path: str) -> None:
        """Requests to such addresses fail without an answer, because the test took the service away."""
        self._unreachable.add(path)

    def problems(self) -> list[str]:
        """Everything that nobody expected, and expected refusals that never came."""
        told = [sentence for url, sentence in self._problems if not self._wanted(url)]
        missed = [f"no {status} came from {path}" for status, path in self._expected if (status, path) not in self._met]
        return told + missed

    def _wanted(self, url: str) -> bool:
        path = urlsplit(url).path
        return url in self._refused or any(path.endswith(one) for one in self._unreachable)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            url = str(message.location.get("url", ""))
            self._problems.append((url, f"console error: {message.text} ({url})"))

    def _uncaught(self, error: WebError) -> None:
        self._problems.append(("", f"uncaught in the page: {error.error}"))

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "about"} and parts.hostname not in LOOPBACK:
            self._problems.append((request.url, f"a request beyond loopback: {request.url}"))

    def _response(self, response: Response) -> None:
        if response.status < 400:
            return
        path = urlsplit(response.url).path
        wanted = {(status, end) for status, end in self._expected if status == response.status and path.endswith(end)}
        if wanted:
            self._met |= wanted
            self._refused.add(response.url)
        else:
            self._problems.append((response.url, f"{response.request.method} {response.url}: {response.status}"))
