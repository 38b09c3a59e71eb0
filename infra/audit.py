"""Every locked package among the known advisories; what nobody could tell of is a failure, not a pass.

By pip-audit, which asks for each version by itself. Where the index does not answer that (some that stand in between
don't), by what it tells of each package's newest version, which is the locked one while the lock is fresh. What passed
is recorded beside this file: `make lint` looks up what a changed lock brought, and asks nobody while it did not
change; `make audit` looks everything up again, for advisories that came since.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.txt"
RECORD = ROOT / "infra" / "audited.txt"
# Each with its reason in SECURITY.md: advisories that do not touch us, and old versions that no index told of.
EXCEPTIONS = frozenset({"GHSA-wj6h-64fc-37mp"})
UNTOLD = frozenset(
    {
        "boto3-stubs 1.43.126",
        "jsonschema-rs 0.60.3",
        "mpmath 1.3.0",
        "networkx 3.6.1",
        "python-dateutil 2.9.0.post0",
    }
)
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
UNHEARD = re.compile(r"could not be audited|ConnectionError|Failed to (?:resolve|connect)|Max retries")
TIMEOUT_SECONDS = 20.0

Package = tuple[str, str]  # its name and its version


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


def locked(only: Sequence[str] = ()) -> list[Package]:
    """Every locked package, or those of some names. A name may come twice, for older and newer Pythons."""
    return [(name, version) for name, version in LOCKED.findall(LOCK.read_text()) if not only or name in only]


def pip_audit(packages: Sequence[Package]) -> int | None:
    """Its exit code, once it has looked everything up; None where its service tells nothing of single versions."""
    first = dict(reversed(packages))  # it takes each name once
    others = [one for one in packages if first[one[0]] != one[1]]
    with NamedTemporaryFile("w", suffix=".txt") as asked:
        asked.writelines(f"{name}=={version}\n" for name, version in first.items())
        asked.flush()
        ignored = [part for name in sorted(EXCEPTIONS) for part in ("--ignore-vuln", name)]
        how = ["--strict", "--progress-spinner", "off", "--disable-pip", "--no-deps", "-r", asked.name, *ignored]
        ran = subprocess.run([sys.executable, "-m", "pip_audit", *how], capture_output=True, text=True, check=False)
    if ran.returncode and UNHEARD.search(ran.stdout + ran.stderr):
        return None
    if ran.returncode or not others:
        print(ran.stdout + ran.stderr, end="")
        return ran.returncode
    return pip_audit(others)


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


def by_newest(index: str, packages: Sequence[Package]) -> list[Told]:
    """What the index tells of each, one after another."""
    with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        return [look_up(http, index, name, version) for name, version in packages]


def report(told: Sequence[Told]) -> int:
    """Say it; 1 for advisories without a reason, 2 where some could not be looked up and have none either."""
    unheard = [one for one in told if one.why is not None and one.package not in UNTOLD]
    for one in told:
        for names in one.open:
            print(f"{one.package}: {names}. Upgrade, or give a reason in SECURITY.md.")
    for one in unheard:
        print(f"{one.package}: not looked up; {one.why}.")
    heard, open_ones = sum(one.why is None for one in told), sum(any(one.open) for one in told)
    print(f"{heard} of {len(told)} packages looked up, {open_ones} with an advisory without a reason.")
    if unheard:
        print("Not a pass. Upgrade what is said above, or try again where the package index is reached itself.")
    return 1 if open_ones else 2 if unheard or not told else 0


def recorded(record: Path = RECORD) -> dict[str, str]:
    """When each `package version` passed."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {package: day for package, _, day in (line.rpartition(" ") for line in lines)}


def remember(passed: Sequence[str], day: date, record: Path = RECORD) -> None:
    """Add what passed; versions that are locked no longer go."""
    still = {f"{name} {version}" for name, version in locked()}
    known = recorded(record) | dict.fromkeys(passed, day.isoformat())
    record.write_text("".join(f"{package} {known[package]}\n" for package in sorted(known) if package in still))


def unrecorded(record: Path = RECORD) -> list[Package]:
    """Locked versions that nobody looked up, but for those of which nobody tells."""
    known = {*recorded(record), *UNTOLD}
    return [(name, version) for name, version in locked() if f"{name} {version}" not in known]


def audit(packages: Sequence[Package], day: date) -> int:
    """Look these up, by pip-audit or else by their newest versions, and record what passed."""
    code = pip_audit(packages)
    if code == 0:
        remember([f"{name} {version}" for name, version in packages], day)
    if code is not None:
        return code
    print("pip-audit was told nothing of single versions; asking the index for each package's newest one.")
    told = by_newest(index_url(), packages)
    remember([one.package for one in told if one.passed], day)
    return report(told)


def main(arguments: Sequence[str]) -> int:
    """Look up all that is locked; packages by name; or, with `--new`, what was never looked up."""
    today = datetime.now(UTC).date()
    if list(arguments) != ["--new"]:
        unknown = {*arguments} - {name for name, _ in locked()}
        if unknown:
            print(f"Not in the lock: {', '.join(sorted(unknown))}. Say a package as {LOCK.name} does.")
            return 2
        return audit(locked(arguments), today)
    new = unrecorded()
    if not new:
        return 0
    print(f"The lock has {len(new)} packages that were never looked up among the advisories:")
    code = audit(new, today)
    print(f"Commit {RECORD.relative_to(ROOT)} with the lock." if code == 0 else "The lock stays unaudited.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
