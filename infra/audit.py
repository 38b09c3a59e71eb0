"""`make audit`: every locked package among the known advisories; what nobody could tell of is a failure, not a pass.

By pip-audit, which asks for each version by itself. Where the index does not answer that (some that stand in between
don't), by what it tells of each package's newest version, which is the locked one while the lock is fresh. What passed
is recorded beside this file; `--recorded`, part of `make lint`, needs no network and fails for a shipped version that
was never looked up.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
LOCK, SHIPPED = ROOT / "requirements-dev.txt", ROOT / "requirements.txt"
RECORD = ROOT / "infra" / "audited.txt"
UNTOLD = frozenset({"python-dateutil"})  # nobody tells of it here; the reason is in SECURITY.md
EXCEPTIONS = frozenset({"GHSA-wj6h-64fc-37mp"})  # each with its reason in SECURITY.md
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
UNHEARD = re.compile(r"could not be audited|ConnectionError|Failed to (?:resolve|connect)|Max retries")
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the index told of one locked package. `why` it told nothing; else `advisories`, by all their names."""

    package: str
    advisories: Sequence[frozenset[str]] = ()
    why: str | None = None

    @property
    def passed(self) -> bool:
        return self.why is None and not any(self.open)

    @property
    def open(self) -> Iterator[str]:
        return (" ".join(sorted(names)) for names in self.advisories if not names & EXCEPTIONS)


def pip_audit() -> int | None:
    """Its exit code, once it has looked everything up; None where its service tells nothing of single versions."""
    ignored = [part for name in sorted(EXCEPTIONS) for part in ("--ignore-vuln", name)]
    how = ["--strict", "--progress-spinner", "off", "--disable-pip", "--require-hashes", "-r", str(LOCK), *ignored]
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "uv"), "tool", "run", "pip-audit", *how],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode and UNHEARD.search(ran.stdout + ran.stderr):
        return None
    print(ran.stdout + ran.stderr, end="")
    return ran.returncode


def index_url() -> str:
    """The configured index, or pip's own default; with its JSON beside the simple pages."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if told:
        return re.sub(r"/simple/?$", "", told) + "/pypi"
    from pip._internal.models.index import PyPI  # noqa: PLC0415 - only where nothing is configured

    return str(PyPI.pypi_url)


def look_up(http: httpx.Client, index: str, name: str, version: str) -> Told:
    package = f"{name} {version}"
    try:
        found = http.get(f"{index}/{name}/{version}/json")
        if found.status_code == 404:
            found = http.get(f"{index}/{name}/json")
        body: Mapping[str, Any] = found.raise_for_status().json()
        told, newest = body["vulnerabilities"], str(body["info"]["version"])
    except (httpx.HTTPError, json.JSONDecodeError, KeyError) as error:
        return Told(package, why=f"the index tells nothing ({type(error).__name__})")
    if newest != version:
        return Told(package, why=f"the index tells only of the newest version, {newest}: upgrade to it (make lock)")
    live = [one for one in told if one.get("withdrawn") is None]
    return Told(package, [frozenset({one["id"], *one.get("aliases", ())}) for one in live])


def by_newest(index: str, only: Sequence[str] = ()) -> list[Told]:
    """Every locked package, or `only` some, one after another."""
    locked = [(name, version) for name, version in LOCKED.findall(LOCK.read_text()) if not only or name in only]
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        return [look_up(http, index, name, version) for name, version in locked]


def report(told: Sequence[Told]) -> int:
    """Say it; 1 for advisories without a reason, 2 where some could not be looked up."""
    for one in told:
        for names in one.open:
            print(f"{one.package}: {names}. Upgrade, or give a reason in SECURITY.md.")
        if one.why is not None:
            print(f"{one.package}: not looked up; {one.why}.")
    unheard, open_ones = sum(one.why is not None for one in told), sum(any(one.open) for one in told)
    print(f"{len(told) - unheard} of {len(told)} packages looked up, {open_ones} with an advisory without a reason.")
    if unheard:
        print("Not a pass. Upgrade what is said above, or run `make audit` where the package index is reached itself.")
    return 1 if open_ones else 2 if unheard or not told else 0


def recorded(record: Path = RECORD) -> dict[str, str]:
    """When each `package version` passed."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {package: day for package, _, day in (line.rpartition(" ") for line in lines)}


def remember(passed: Sequence[str], day: date, record: Path = RECORD) -> None:
    """Add what passed; versions that are locked no longer go."""
    locked = {f"{name} {version}" for name, version in LOCKED.findall(LOCK.read_text())}
    known = recorded(record) | dict.fromkeys(passed, day.isoformat())
    record.write_text("".join(f"{package} {known[package]}\n" for package in sorted(known) if package in locked))


def unrecorded(record: Path = RECORD) -> list[str]:
    """Shipped versions that nobody looked up."""
    known = recorded(record)
    shipped = LOCKED.findall(SHIPPED.read_text())
    return [name for name, version in shipped if name not in UNTOLD and f"{name} {version}" not in known]


def check_record() -> int:
    missing = unrecorded()
    if missing:
        print(f'Never looked up among the advisories: run make audit ARGS="{" ".join(missing)}", commit {RECORD.name}.')
    return 1 if missing else 0


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--recorded"]:
        return check_record()
    today = datetime.now(UTC).date()
    if not arguments:
        code = pip_audit()
        if code == 0:
            remember([f"{name} {version}" for name, version in LOCKED.findall(LOCK.read_text())], today)
        if code is not None:
            return code
        print("pip-audit was told nothing of single versions; asking the index for each package's newest one.")
    told = by_newest(index_url(), arguments)
    remember([one.package for one in told if one.passed], today)
    return report(told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
