"""What was asked of the API and of OAuth, secrets left out, so that a test can prove what was called."""

import json
from typing import Any

from infra.sandbox.stripe.errors import Object
from infra.sandbox.stripe.store import Store

SECRET = frozenset({"code", "client_secret", "card", "number", "source", "refresh_token"})
HIDDEN = "[hidden]"


class RequestLog:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, line: Object) -> None:
        self._store.sql("INSERT INTO requests (line) VALUES (?)", json.dumps(line | {"params": _open(line["params"])}))

    def since(self, seq: int) -> list[Object]:
        rows = self._store.sql("SELECT seq, line FROM requests WHERE seq > ? ORDER BY seq", seq)
        return [{"seq": row[0], **json.loads(row[1])} for row in rows]

    def clear(self) -> None:
        self._store.sql("DELETE FROM requests")


def _open(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: HIDDEN if name in SECRET else _open(inner) for name, inner in value.items()}
