"""One row measured: users warmed, load run, CPU and store requests counted, and every 200 held against the store.

Called by infra.bench.__main__.
"""

import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import redis

from infra.bench.processes import HOST, running_on
from infra.bench.rows import CEILING, DELAYED, KEY, REDIS, REFUSED, STANDING, TOKEN, USERS, ZIPF, Row
from infra.bench.stage import PREFIX, SMALL, Stage, operator, requests, subject

WARMING_CONNECTIONS = 64
LOAD_SECONDS = 90
EXPECTED = {KEY: "200", TOKEN: "200", STANDING: "200", REFUSED: "403"}


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a row. Per-call figures are over the answered calls; store figures None where none is counted."""

    row: Row
    calls_per_second: float
    p50_ms: float
    p99_ms: float
    client_cpu: float  # seconds in 1,000 calls, as the three below
    server_cpu: float
    store_cpu: float
    store_requests: float | None
    write_units: float | None
    exact: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(stage: Stage, row: Row, name: str, seconds: float) -> Measured:
    """Warm, run, check. `name` is the row's own, so that its users are new."""
    sent = requests(stage, row, name)
    # Every worker has to have met every user, and users to be refused have to be at their limit.
    rounds = (SMALL + 1 if row.calls == REFUSED else 1) * (3 if row.workers > 1 else 1)
    warming = _load(stage, row, sent, drawn="each", calls=len(sent) * rounds)
    before, server, store = _asked(stage), stage.server.cpu_seconds, _store_cpu(stage)
    seen = _load(stage, row, sent, drawn="zipf" if row.users == ZIPF else "uniform", seconds=seconds)
    after, thousands = _asked(stage), seen["calls"] / 1000
    return Measured(
        row=row,
        calls_per_second=seen["calls"] / seen["seconds"],
        p50_ms=seen["p50"] * 1000,
        p99_ms=seen["p99"] * 1000,
        client_cpu=seen["cpu"] / thousands,
        server_cpu=(stage.server.cpu_seconds - server) / thousands,
        store_cpu=(_store_cpu(stage) - store) / thousands,
        store_requests=None if before is None or after is None else (after[0] - before[0]) / seen["calls"],
        write_units=None if before is None or after is None else (after[1] - before[1]) / seen["calls"],
        exact=_exact(stage, row, name, warming, seen),
    )


def best(rounds: Sequence[Measured]) -> Measured:
    """The round with the most calls; exact only where every round was."""
    wrong = next((one.exact for one in rounds if one.exact.startswith("NO")), None)
    found = max(rounds, key=lambda one: one.calls_per_second)
    return found if wrong is None else replace(found, exact=wrong)


def _load(
    stage: Stage, row: Row, sent: list[str], *, drawn: str, calls: int | None = None, seconds: float | None = None
) -> dict[str, Any]:
    connections = row.connections if calls is None else min(WARMING_CONNECTIONS, len(sent))
    plan = {
        "port": stage.server.port,
        "requests": sent,
        "drawn": drawn,
        "connections": connections,
        "calls": calls,
        "seconds": seconds,
    }
    with tempfile.NamedTemporaryFile() as seen:
        command = [sys.executable, "-m", "infra.bench.load", seen.name]
        with running_on(stage.cores.others):
            subprocess.run(command, input=orjson.dumps(plan), check=True, timeout=LOAD_SECONDS)
        found: dict[str, Any] = orjson.loads(Path(seen.name).read_bytes())
    return found


def _exact(stage: Stage, row: Row, name: str, *loads: dict[str, Any]) -> str:
    """`yes`, or what is wrong. Each 200 told a count of its own, the last is what is stored, no error was logged."""
    if (error := stage.server.error) is not None:
        return f"NO: the server logged {error[:300]}"
    statuses = Counter(loads[-1]["statuses"])
    if set(statuses) != {EXPECTED[row.calls]} or any(load["broken"] for load in loads):
        return f"NO: statuses {dict(statuses)}, {loads[-1]['broken']} broken"
    if row.design == CEILING or row.calls == STANDING:
        return "-"
    told: dict[int, list[int]] = {}
    for load in loads:
        for user, counts in load["counts"].items():
            told.setdefault(int(user), []).extend(counts)
    stored = _stored(stage, row, name)
    wrong = [_wrong(counts, stored.get(user, 0), row) for user, counts in told.items()]
    return next((f"NO: {one}" for one in wrong if one), "yes")


def _wrong(counts: list[int], stored: int, row: Row) -> str:
    """What is wrong with the counts one user was told; empty when nothing is."""
    if sorted(counts) != list(range(1, len(counts) + 1)):
        return f"{len(counts)} answers told counts that are not 1 to {len(counts)}"
    if stored != len(counts):
        return f"{stored} stored of {len(counts)} answered"
    return f"{len(counts)} calls admitted of {SMALL}" if row.calls == REFUSED and len(counts) > SMALL else ""


def _stored(stage: Stage, row: Row, name: str) -> dict[int, int]:
    subjects = {number: subject(row, name, number) for number in range(USERS[row.users])}
    if row.store == DELAYED:
        counts = _stats(stage)["counts"]
        return {number: counts.get(one, 0) for number, one in subjects.items()}
    if row.store == REDIS and stage.store is not None:
        with redis.Redis(port=stage.store.port) as client:
            return {number: sum(map(int, client.hvals(one))) for number, one in subjects.items()}
    return _stored_in_engine(stage, subjects)


def _stored_in_engine(stage: Stage, subjects: dict[int, str]) -> dict[int, int]:
    client = operator(stage.endpoint or "")

    def count(one: str) -> int:
        found = client.get_item(TableName=PREFIX + "tenant-usage", Key={"pk": {"S": one}, "sk": {"S": "usage"}})
        return int(found["Item"]["usageCount"]["N"]) if "Item" in found else 0

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(count, subjects.values()))
    client.close()
    return dict(zip(subjects, counts, strict=True))


def _stats(stage: Stage) -> dict[str, Any]:
    if stage.store is None:
        return {}
    with urllib.request.urlopen(f"http://{HOST}:{stage.store.port}/stats") as answer:
        found: dict[str, Any] = orjson.loads(answer.read())
        return found


def _asked(stage: Stage) -> tuple[int, int] | None:
    """Requests and write units so far, where the store counts them."""
    if not stage.counts:
        return None
    stats = _stats(stage)
    return sum(stats["requests"].values()), stats["units"]


def _store_cpu(stage: Stage) -> float:
    return 0.0 if stage.store is None else stage.store.cpu_seconds
