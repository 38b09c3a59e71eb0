"""`python -m infra.bench [--quick] [--only TEXT] [--profile]`: measures, prints the table, writes build/bench.json.

Loopback only and bounded: about three minutes whole, five with --quick (fewer rows, the best of three rounds). `--only`
keeps the rows whose line has the text.
"""

import argparse
import itertools
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from infra.bench.measure import Measured, best, measure
from infra.bench.report import Report
from infra.bench.rows import CEILING, Row, rows
from infra.bench.stage import signing_key, staged
from infra.sandbox.engine import NoNativeEngine, installed
from infra.sandbox.layout import ROOT, STATE

BUILD = ROOT / "build"
DELAY_MS = 5.0
SECONDS, QUICK_SECONDS = 2.5, 1.2
ROUNDS = 3  # a machine that others use too is slow for seconds at a time: of each row the best round is told


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="fewer rows, each shorter")
    parser.add_argument("--only", default="", help="the rows that have this text, and the ceiling")
    parser.add_argument("--profile", action="store_true", help="profile the product into build/profile.txt (slower)")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long each row runs in a round")
    parser.add_argument("--delay", type=float, default=DELAY_MS, help="the store's, in ms")
    parser.add_argument("--rounds", type=int, default=0, help="how often everything is measured")
    asked = parser.parse_args()
    wanted = rows(quick=asked.quick, engine=_engine(), redis=_redis())
    wanted = [row for row in wanted if row.design == CEILING or asked.only.lower() in str(row).lower()]
    seconds = asked.seconds or (QUICK_SECONDS if asked.quick else SECONDS)
    BUILD.mkdir(exist_ok=True)
    began = time.monotonic()
    profile = BUILD / "profile.txt" if asked.profile else None
    rounds = asked.rounds or (1 if profile or not asked.quick else ROUNDS)
    measured = [best(row) for row in zip(*_rounds(wanted, seconds, rounds, asked.delay / 1000, profile), strict=True)]
    report = Report(measured, asked.delay / 1000)
    print(f"\n{report.table()}\n\n{report.goals()}\n\n{_machine()}; {time.monotonic() - began:.0f} s in all")
    found = {"machine": _machine(), "rows": [one.as_json() for one in measured]}
    (BUILD / "bench.json").write_text(json.dumps(found, indent=1))
    return 1 if any(one.exact.startswith("NO") for one in measured) else 0


def _rounds(wanted: list[Row], seconds: float, rounds: int, delay: float, profile: Path | None) -> list[list[Measured]]:
    numbers = itertools.count()
    return [_measured(wanted, seconds, numbers, delay, profile) for _ in range(rounds)]


def _measured(
    wanted: list[Row], seconds: float, numbers: Iterator[int], delay: float, profile: Path | None
) -> list[Measured]:
    found, signing = [], signing_key()
    with tempfile.TemporaryDirectory(prefix="dream-api-bench-") as folder:
        for server, group in itertools.groupby(wanted, key=lambda row: row.server):
            with staged(server, delay, Path(folder), signing, profile) as stage:
                for row in group:
                    one = measure(stage, row, f"{next(numbers)}", seconds)
                    found.append(one)
                    print(
                        f"{row.design}, {row.calls}, {row.users} users, {row.connections} connections, "
                        f"{row.workers} workers, {row.store}: {one.calls_per_second:,.0f}/s, exact: {one.exact}",
                        flush=True,
                    )
    return found


def _engine() -> bool:
    try:
        installed(STATE / "engine")
    except NoNativeEngine as error:
        print(f"Rows on the native engine are left out: {error}.")
        return False
    return True


def _redis() -> bool:
    if shutil.which("redis-server") is None:
        print("Rows on Redis are left out: redis-server is missing (Debian and Ubuntu: apt-get install redis-server).")
        return False
    return True


def _machine() -> str:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    model = models[0] if models else platform.machine()
    return f"{len(models)} cores of {model}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
