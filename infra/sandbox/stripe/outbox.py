"""Deliveries of events to webhook endpoints: which are waiting, held, made or lost. Written in the same transaction as
the change they tell of, so a stop in between loses neither. `books` adds, `courier` takes, `control` looks.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from infra.sandbox.stripe.config import DELIVERED, PLATFORM, Config
from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.store import Store
from infra.sandbox.stripe.weather import Sky

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0
ATTEMPTS = 60
COLUMNS = ("seq", "event", "type", "account", "url", "state", "attempts", "due", "status", "error")


@dataclass(frozen=True, slots=True)
class Delivery:
    seq: int
    event: str
    account: str
    url: str
    attempts: int


class Outbox:
    def __init__(self, store: Store, config: Config, sky: Sky) -> None:
        self._store = store
        self._config = config
        self._sky = sky
        self.wake = asyncio.Event()

    def add(self, account: str, event: Object, *, always: bool = False) -> None:
        """Queue an event for the endpoints it concerns, through the weather of the moment."""
        if not always and event["type"] not in DELIVERED:
            return
        connected = account != PLATFORM
        for endpoint in self._config.connect_webhooks if connected else self._config.webhooks:
            copies = self._sky.copies()
            for _ in range(max(copies, 1)):
                state = "dropped" if copies == 0 else ("held" if self._sky.now.hold else "pending")
                self._store.sql(
                    "INSERT INTO deliveries (event, type, account, url, state, due) VALUES (?, ?, ?, ?, ?, ?)",
                    event["id"],
                    event["type"],
                    account,
                    endpoint.url,
                    state,
                    time.time() + self._sky.delay_seconds(),
                )
        self.wake.set()

    def due(self, url: str, limit: int) -> list[Delivery]:
        rows = self._store.sql(
            "SELECT seq, event, account, url, attempts FROM deliveries WHERE state = 'pending' AND url = ? AND due <= ?"
            " ORDER BY due, seq LIMIT ?",
            url,
            time.time(),
            limit,
        )
        return [Delivery(*row) for row in rows]

    def held(self, events: Sequence[str] | None) -> list[Delivery]:
        """Held deliveries as they came, or those of some events in the order given."""
        rows = self._store.sql(
            "SELECT seq, event, account, url, attempts FROM deliveries WHERE state = 'held' ORDER BY seq"
        )
        held = [Delivery(*row) for row in rows]
        if events is None:
            return held
        return [one for event in events for one in held if one.event == event]

    def seconds_to_next(self, url: str) -> float | None:
        rows = self._store.sql("SELECT MIN(due) FROM deliveries WHERE state = 'pending' AND url = ?", url)
        return None if rows[0][0] is None else max(0.0, rows[0][0] - time.time())

    def delivered(self, delivery: Delivery, status: int) -> None:
        self._store.sql(
            "UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, status = ?, error = NULL"
            " WHERE seq = ?",
            status,
            delivery.seq,
        )

    def failed(self, delivery: Delivery, status: int | None, error: str) -> None:
        """Try again later, each time after twice as long; after the last attempt give up."""
        attempts = delivery.attempts + 1
        # The exponent is bounded: at the sixtieth attempt the power itself would be astronomical.
        wait = min(FIRST_RETRY_SECONDS * 2 ** min(delivery.attempts, 10), LONGEST_RETRY_SECONDS)
        self._store.sql(
            "UPDATE deliveries SET state = ?, attempts = ?, due = ?, status = ?, error = ? WHERE seq = ?",
            "failed" if attempts >= ATTEMPTS else "pending",
            attempts,
            time.time() + wait,
            status,
            error,
            delivery.seq,
        )
        self.wake.set()

    def discard(self, delivery: Delivery) -> None:
        self._store.sql("UPDATE deliveries SET state = 'dropped' WHERE seq = ?", delivery.seq)

    def listing(self, state: str | None = None, event: str | None = None) -> list[Object]:
        rows = self._store.sql(
            f"SELECT {', '.join(COLUMNS)} FROM deliveries WHERE (? IS NULL OR state = ?)"  # noqa: S608 - constants
            " AND (? IS NULL OR event = ?) ORDER BY seq",
            state,
            state,
            event,
            event,
        )
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def counts(self) -> dict[str, int]:
        return dict(self._store.sql("SELECT state, COUNT(*) FROM deliveries GROUP BY state"))

    def undelivered(self, account: str, event: str) -> int:
        rows = self._store.sql(
            "SELECT COUNT(*) FROM deliveries WHERE account = ? AND event = ? AND state != 'delivered'", account, event
        )
        return int(rows[0][0])
