"""The SQLite file that holds everything the stand-in knows. Only `Store` speaks SQL about objects and settings.

Objects are JSON rows in the namespace of one account. `owner` (a customer, a product) and `due` (when the clock has
work with it) are drawn out of the JSON because lists and the lifecycle search by them.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.sandbox.stripe.due import due_at
from infra.sandbox.stripe.errors import Object

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    owner TEXT, due INTEGER, body TEXT NOT NULL, UNIQUE (account, id));
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, owner, seq);
CREATE INDEX IF NOT EXISTS objects_by_due ON objects (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL, key TEXT NOT NULL, asked TEXT NOT NULL, request TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, account TEXT NOT NULL,
    url TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
    status INTEGER, error TEXT);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (state, url, due, seq);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (account, event);
CREATE TABLE IF NOT EXISTS requests (seq INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL);
"""
OWNER = {"price": "product", "subscription_item": "subscription"}


class Store:
    """Used from one event loop, without awaiting inside a transaction: so each request is one step for all others."""

    def __init__(self, path: Path | str) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # In WAL mode NORMAL survives any end of the process; only a power cut could take the last commits.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another belongs to the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._db.execute(statement, values).fetchall()

    def put(self, account: str, thing: Object) -> None:
        """Create or replace; an object keeps its place in lists."""
        self.sql(
            "INSERT INTO objects (account, kind, id, owner, due, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account,"
            " id) DO UPDATE SET owner = excluded.owner, due = excluded.due, body = excluded.body",
            account,
            thing["object"],
            thing["id"],
            thing.get(OWNER.get(thing["object"], "customer")),
            due_at(thing),
            json.dumps(thing),
        )

    def get(self, account: str, kind: str, object_id: str) -> Object | None:
        rows = self.sql("SELECT body FROM objects WHERE account = ? AND id = ? AND kind = ?", account, object_id, kind)
        return _object(rows[0][0]) if rows else None

    def account_of(self, kind: str, object_id: str) -> str | None:
        """Whose it is; a hosted page knows only the object's id."""
        rows = self.sql("SELECT account FROM objects WHERE id = ? AND kind = ?", object_id, kind)
        return str(rows[0][0]) if rows else None

    def newest_first(self, account: str, kind: str, owner: str | None = None) -> list[Object]:
        rows = self.sql(
            "SELECT body FROM objects WHERE account = ? AND kind = ? AND (? IS NULL OR owner = ?) ORDER BY seq DESC",
            account,
            kind,
            owner,
            owner,
        )
        return [_object(body) for (body,) in rows]

    def next_due(self, until: int) -> tuple[str, Object, int] | None:
        """The account, object and instant of the earliest thing due by then."""
        rows = self.sql(
            "SELECT account, body, due FROM objects WHERE due <= ? ORDER BY due, seq LIMIT 1",
            until,
        )
        return (rows[0][0], _object(rows[0][1]), rows[0][2]) if rows else None

    def setting(self, name: str, default: Any) -> Any:
        rows = self.sql("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def set(self, name: str, value: Any) -> None:
        self.sql("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))


def _object(body: str) -> Object:
    found: Object = json.loads(body)
    return found
