"""Carries events to webhook endpoints: signs, sends, tries again. Runs beside the server from `app`'s lifespan.

In calm weather an endpoint gets one event after the other, in order; in any other several at once.
"""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

import httpx2

from infra.sandbox.stripe.books import public
from infra.sandbox.stripe.config import Config
from infra.sandbox.stripe.outbox import Delivery, Outbox
from infra.sandbox.stripe.store import Store
from infra.sandbox.stripe.weather import Sky, Weather

ANSWER_SECONDS = 20.0
AT_ONCE = 8
IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an endpoint answered: a status, or why there was none."""

    status: int | None
    error: str = ""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Courier:
    def __init__(self, store: Store, config: Config, outbox: Outbox, sky: Sky) -> None:
        self._store = store
        self._config = config
        self._outbox = outbox
        self._sky = sky
        # The endpoints are on this machine: certificates would only cost time at every start.
        self._http = httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False, verify=False)

    async def run(self) -> None:
        """Until cancelled; an attempt that is cut off is made again after the next start."""
        urls = {endpoint.url for endpoint in (*self._config.webhooks, *self._config.connect_webhooks)}
        async with asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(self._serve(url))

    async def close(self) -> None:
        await self._http.aclose()

    async def deliver(self, delivery: Delivery) -> Attempt:
        """One attempt, and its outcome on record."""
        attempt = await self.send(delivery.account, delivery.event, delivery.url)
        if attempt.delivered and attempt.status is not None:
            self._outbox.delivered(delivery, attempt.status)
        else:
            self._outbox.failed(delivery, attempt.status, attempt.error)
        return attempt

    async def send(self, account: str, event_id: str, url: str) -> Attempt:
        """Post an event once, signed now; nothing is recorded."""
        event = self._store.get(account, "event", event_id)
        secret = self._config.secret_of(url)
        if event is None or secret is None:
            return Attempt(None, "the event or the endpoint is gone")
        body = json.dumps(public(event) | {"pending_webhooks": 1}, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (+sandbox)",
        }
        try:
            answer = await self._http.post(url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            return Attempt(None, type(error).__name__)
        return Attempt(answer.status_code, "" if answer.is_success else answer.text[:200])

    async def _serve(self, url: str) -> None:
        while True:
            self._outbox.wake.clear()
            batch = self._outbox.due(url, 1 if self._sky.now == Weather() else AT_ONCE)
            if batch:
                await asyncio.gather(*(self.deliver(one) for one in batch))
                continue
            wait = self._outbox.seconds_to_next(url)
            await self._idle(IDLE_SECONDS if wait is None else min(wait, IDLE_SECONDS))

    async def _idle(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._outbox.wake.wait(), seconds)
        except TimeoutError:
            return


def signature(body: bytes, secret: str, at: int) -> str:
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
