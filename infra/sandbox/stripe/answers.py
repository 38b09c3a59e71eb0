"""The answers kept for idempotency keys, per account. `api` asks before the work and keeps after it.

A kept answer is written in the transaction of the work itself: a stop between the two can't lose one of them.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from infra.sandbox.stripe.errors import Object, Refusal, invalid
from infra.sandbox.stripe.store import Store

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Object
    request: str


class Answers:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._working: set[tuple[str, str]] = set()

    def kept(self, account: str, key: str, asked: str) -> Answer | None:
        """The answer given before; a refusal when the key came with other parameters, or is being worked on."""
        if len(key) > LONGEST_KEY:
            raise invalid(f"Idempotency keys can be at most {LONGEST_KEY} characters.", "idempotency_key")
        rows = self._store.sql(
            "SELECT asked, request, status, body FROM answers WHERE account = ? AND key = ?", account, key
        )
        if not rows:
            if (account, key) in self._working:
                raise _in_use(key)
            return None
        if rows[0][0] != asked:
            raise _reused(key)
        return Answer(status=rows[0][2], body=json.loads(rows[0][3]), request=rows[0][1])

    def begin(self, account: str, key: str) -> None:
        self._working.add((account, key))

    def end(self, account: str, key: str) -> None:
        self._working.discard((account, key))

    def keep(self, account: str, key: str, asked: str, answer: Answer) -> None:
        self._store.sql(
            "INSERT OR IGNORE INTO answers (account, key, asked, request, status, body) VALUES (?, ?, ?, ?, ?, ?)",
            account,
            key,
            asked,
            answer.request,
            answer.status,
            json.dumps(answer.body),
        )


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()


def _reused(key: str) -> Refusal:
    return Refusal(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a"
        f" key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
        executed=False,
    )


def _in_use(key: str) -> Refusal:
    return Refusal(
        f"There is currently another in-progress request using this idempotent key: {key}.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
        executed=False,
    )
