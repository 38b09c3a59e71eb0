"""HTML pages and their files: the page's Content-Security-Policy and headers, entity tags, and caching that never lies.

Used by platform_api (the dashboard) and tenant_api (the hosted pages). `Files` serves a folder under an address that
names what is in it, so that a page and its modules are always of one version; `page` answers with HTML.
"""

import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"  # kept, but asked for again each time: a 304 where nothing has changed

_PAGE_HEADERS = {
    # Social sign-in may open a window that has to talk back.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def policy(clerk: str, connect: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of a page with Clerk's scripts from `clerk` (the app's issuer address).

    `connect` are the other origins its own scripts call. No inline script runs; inline style is what Clerk's components
    need. The rest are Clerk's bot check, fraud protection and avatars.
    """
    protect, challenge = "https://*.protect.clerk.com", "https://challenges.cloudflare.com"
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' {clerk} {challenge} {protect}",
        "connect-src": " ".join(["'self'", clerk, *connect, protect + ":*"]),
        "img-src": "'self' https://img.clerk.com",
        "style-src": "'self' 'unsafe-inline'",
        "frame-src": f"'self' {challenge} {protect}",
        "worker-src": "'self' blob:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with each `$name` replaced by its value, escaped for text and quoted attributes alike."""
    return Template(template).substitute({name: html.escape(value) for name, value in values.items()})


def page(request: Request, text: str, content_policy: str, *, status: int = 200, cache: str = ASK_FIRST) -> Response:
    """An HTML answer with a page's headers; a 304 for who has this very text. `no-store` for what is secret."""
    headers = {"Content-Security-Policy": content_policy, "Cache-Control": cache, **_PAGE_HEADERS}
    return _answer(request, text.encode(), "text/html; charset=utf-8", headers, status)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str


class Files:
    """The files of a folder, read once when the service starts: `/static/{version}/app.js` for `folder/app.js`.

    The version is made of every file's content. A module imports another by its relative address, so it gets the one of
    its own version, and all of them may be kept for ever. Under another version (a page from before a deployment, or a
    server that is not yet new) the present file is served, and not to be kept.
    """

    def __init__(self, folder: Path, at: str) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _File(path.read_bytes(), TYPES[path.suffix])
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(f"{name}\n{len(file.content)}\n".encode() + file.content)
        self.base = f"{at}/{digest.hexdigest()[:16]}"

    def address(self, name: str) -> str:
        """Where a page finds a file; KeyError, at start, for one that is not there."""
        self._files[name]
        return f"{self.base}/{name}"

    async def serve(self, request: Request) -> Response:
        """The endpoint of `Route("/static/{version}/{file:path}", files.serve)`."""
        file = self._files.get(request.path_params["file"])
        if file is None:
            raise HTTPException(404)
        current = request.url.path.startswith(self.base + "/")
        headers = {
            "Cache-Control": FOR_EVER if current else ASK_FIRST,
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        return _answer(request, file.content, file.media_type, headers, 200)


def _answer(request: Request, content: bytes, media_type: str, headers: dict[str, str], status: int) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers |= {"ETag": tag}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and (tag in known or known == ["*"]):
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers, media_type)
