"""Whether a store takes several updates as statements of one request: asked of it, with one that can hold nowhere.

Kept by shared.adapters.dynamodb_batches, by table. A store that can't is no error: its updates go one by one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from shared.adapters.dynamodb_outcomes import Refused
from shared.adapters.dynamodb_writes import update
from shared.domain.errors import Unavailable

logger = logging.getLogger("dream_api.store")

ASK_AGAIN_SECONDS = 60

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Ability:
    """What is known of the store: whether it takes statements on a table."""

    def __init__(self, call: Call, monotonic: Callable[[], float]) -> None:
        self._call = call
        self._monotonic = monotonic
        self._known: dict[str, bool] = {}
        self._asked: dict[str, float] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def of(self, table: str) -> bool:
        """Whether updates there are known to go together."""
        return self._known.get(table, False)

    def ask(self, table: str) -> None:
        """Of the store, unless it has answered or was asked a moment ago: two updates could have gone together."""
        if table not in self._known and self._monotonic() >= self._asked.get(table, 0.0):
            self._asked[table] = self._monotonic() + ASK_AGAIN_SECONDS
            task = asyncio.create_task(self._ask(table))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def lost(self, table: str, why: str) -> None:
        """It was thought to, and does not: from now on each update is a request of its own."""
        self._known[table] = False
        logger.warning("writes are sent one by one", extra={"facts": {"table": table, "reason": why}})

    async def close(self) -> None:
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, table: str) -> None:
        """With a statement that has all ours have, of an item that is not there: one that understands it says so."""
        names = {"#a": "a", "#b": "b", "#c": "0c", "#d": "d"}
        asked = update(
            table,
            {"pk": "no such item", "sk": "no such item"},
            "SET #a = :a, #b.#c = #b.#c + :a ADD #d :a REMOVE #b.#a",
            "#a <= :a AND #b.#c = :a AND attribute_not_exists(#b.#b)",
            names=names,
            values={":a": 1},
        )
        try:
            answer = await self._call("BatchExecuteStatement", {"Statements": [asked.statement()]})
        except Refused as refused:
            self.lost(table, str(refused))
            return
        except Unavailable:
            return  # asked again in a while
        codes = [said.get("Error", {}).get("Code") for said in answer.get("Responses", ())]
        if codes == ["ConditionalCheckFailed"]:
            self._known[table] = True
        else:
            self.lost(table, f"statements are not understood: {codes}")
