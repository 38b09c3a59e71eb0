"""A crowd of end-users in the native engine's file, each a copy of one whom the service itself has counted.

Nothing here knows how an end-user is stored: a copy has the rows that the engine keeps of the original, under another
name. Written past the engine, which shares its SQLite file, a hundred thousand take seconds. Tests with many
end-users call it.
"""

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

TABLE = "tenant-usage"
WRITE = f'INSERT INTO "{TABLE}" (pk, sk, item_json, item_size, hash_prefix) VALUES (?, ?, ?, ?, ?)'
READ = f'SELECT pk, sk, item_json, item_size, hash_prefix FROM "{TABLE}"'
SUMS = f"""SELECT count(*), sum(json_extract(item_json, '$.usageCount.N')) FROM "{TABLE}" WHERE pk GLOB ?"""
BUSY_SECONDS = 30

Row = tuple[str, str, str, int, str]


@dataclass(frozen=True)
class EngineFile:
    """The file of a running native engine, whose version is pinned: so the form of its rows is known."""

    path: Path

    def rows_of(self, names: Sequence[str]) -> dict[str, list[Row]]:
        """What the engine keeps of these end-users."""
        known, found = re.compile("|".join(map(re.escape, names))), defaultdict(list)
        with self._opened() as file:
            for row in file.execute(READ):
                named = known.search(row[0]) or known.search(row[1])
                if named is not None:
                    found[named.group()].append(row)
        return found

    def copy(self, copies: Iterable[tuple[str, str]], process: str, into: str) -> None:
        """Write copies `(original, name)`, all in one step, as if process `into` had counted what `process` did.

        A name is as long as its original's: the engine keeps the size of each item.
        """
        copies = list(copies)
        originals = self.rows_of(sorted({original for original, _ in copies}))
        for rows in originals.values():
            assert all(hash_prefix(pk) == kept for pk, _, _, _, kept in rows)
        with self._opened() as file:
            file.execute("BEGIN IMMEDIATE")
            file.executemany(WRITE, _copies(originals, copies, process, into))
            file.execute("COMMIT")

    def sums(self, platform_id: str) -> tuple[int, int]:
        """How many end-users of a platform have called, and what their counts add up to."""
        with self._opened() as file:
            users, calls = file.execute(SUMS, (f"S:usage:{platform_id}:*",)).fetchone()
        return users, calls

    def _opened(self) -> "closing[sqlite3.Connection]":
        return closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None))


def hash_prefix(stored_pk: str) -> str:
    """By what the engine spreads items over the segments of a scan; `stored_pk` begins with its type."""
    return hashlib.md5(b"Outliers" + stored_pk[2:].encode(), usedforsecurity=False).hexdigest()[:6]


def _copies(
    originals: dict[str, list[Row]], copies: Sequence[tuple[str, str]], process: str, into: str
) -> Iterator[Row]:
    for original, name in copies:
        assert len(name) == len(original)
        for pk, sk, item, size, _ in originals[original]:
            own = pk.replace(original, name)
            yield (
                own,
                sk.replace(original, name),
                item.replace(original, name).replace(process, into),
                size,
                (hash_prefix(own)),
            )
