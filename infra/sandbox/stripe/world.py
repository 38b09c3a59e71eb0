"""Everything one running stand-in consists of, made once by `app` and handed to whatever answers requests."""

from pathlib import Path

from infra.sandbox.stripe.answers import Answers
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.clock import Clock
from infra.sandbox.stripe.config import Config
from infra.sandbox.stripe.faults import Faults
from infra.sandbox.stripe.lifecycle import step
from infra.sandbox.stripe.outbox import Outbox
from infra.sandbox.stripe.request_log import RequestLog
from infra.sandbox.stripe.store import Store
from infra.sandbox.stripe.weather import Sky


class World:
    def __init__(self, state: Path | str, config: Config) -> None:
        self.config = config
        self.store = Store(state)
        self.clock = Clock(self.store)
        self.sky = Sky(self.store)
        self.outbox = Outbox(self.store, config, self.sky)
        self.answers = Answers(self.store)
        self.faults = Faults()
        self.log = RequestLog(self.store)

    def books(
        self, account: str, base: str = "", *, request: str | None = None, key: str | None = None, at: int | None = None
    ) -> Books:
        """One account's books now, or at an instant that is being caught up with."""
        now = self.clock.now() if at is None else at
        return Books(self.store, self.outbox, account, now, base, request, key)

    def advance(self, seconds: int) -> int:
        """Move the clock, then do what became due. The move is kept first: what a stop leaves undone, a tick does."""
        self.clock.move(seconds)
        return self.catch_up()

    def catch_up(self) -> int:
        """Do everything that is due, in the order of time, each at its own instant; tells how much that was."""
        until, done = self.clock.now(), 0
        while (found := self.store.next_due(until)) is not None:
            account, thing, due = found
            with self.store.transaction():
                step(self.books(account, at=due), thing)
            done += 1
        return done

    def close(self) -> None:
        self.store.close()
