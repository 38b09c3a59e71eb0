"""A set of public keys that somebody publishes at an address: fetched when needed, kept when a refetch fails.

Clerk's tokens (clerk.py) and secret-scanning alerts (secret_scanning.py) are verified with one each. An unknown id
refetches at most once in `refetch_seconds`, and nobody whose key is known ever waits for that.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx

from shared.domain.errors import Unavailable

K = TypeVar("K")


class PublishedKeys(Generic[K]):
    """The keys at `url` by their ids. `read` makes them of the JSON there; what it can't read it raises at.

    `missing` is the sentence of the 503 while there never were any.
    """

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        read: Callable[[Any], Mapping[str, K]],
        missing: str,
        *,
        refetch_seconds: float,
        max_age_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._http = http
        self._read = read
        self._missing = missing
        self._refetch_seconds = refetch_seconds
        self._max_age_seconds = max_age_seconds
        self._monotonic = monotonic
        self._keys: Mapping[str, K] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetch: asyncio.Task[None] | None = None

    def known(self, kid: str) -> K | None:
        """The key of that id, if it is known; an old set is renewed behind the scenes."""
        known = self._keys.get(kid)
        if known is not None and self._older_than(self._fetched_at, self._max_age_seconds):
            self._start_fetch()
        return known

    async def key(self, kid: str) -> K | None:
        """The same, looked for among those published now where it is not known."""
        known = self.known(kid)
        if known is not None:
            return known
        fetch = self._start_fetch()
        if fetch is not None:
            await asyncio.shield(fetch)
        if self._fetched_at is None:
            raise self._unreadable()
        return self._keys.get(kid)

    async def reach(self) -> None:
        """Raises Unavailable where the keys can't be read now; what is known is left as it is."""
        await self.published()

    async def published(self) -> Any:
        """The JSON that is published now. Raises Unavailable."""
        try:
            answer = await self._http.get(self._url)
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._unreadable() from error

    def _start_fetch(self) -> asyncio.Task[None] | None:
        if self._fetch is None or self._fetch.done():
            wait = self._refetch_seconds if self._fetched_at is not None else 1
            if not self._older_than(self._tried_at, wait):
                return None
            self._tried_at = self._monotonic()
            self._fetch = asyncio.create_task(self._load())
        return self._fetch

    def _older_than(self, then: float | None, seconds: float) -> bool:
        return then is None or self._monotonic() - then >= seconds

    async def _load(self) -> None:
        try:
            keys = self._read(await self.published())
        except (Unavailable, ValueError, KeyError, TypeError, AttributeError):
            return  # the old keys go on serving; the next unknown id tries again
        self._keys = keys
        self._fetched_at = self._monotonic()

    def _unreadable(self) -> Unavailable:
        return Unavailable(self._missing, retry_after_seconds=2)

    async def close(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)
