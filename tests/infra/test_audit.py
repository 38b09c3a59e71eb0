"""The audit passes only what it was told about, and says what to do about the rest. The index is on a socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.audit import (
    EXCEPTIONS,
    LOCK,
    LOCKED,
    UNTOLD,
    by_newest,
    locked,
    main,
    recorded,
    remember,
    report,
    unrecorded,
)
from tests.serving import serving

NAMES = ("h11", "ecdsa", "urllib3")
VERSIONS = dict(LOCKED.findall(LOCK.read_text()))
EXCEPTED = {"id": "PYSEC-2026-1", "aliases": [next(iter(EXCEPTIONS))], "withdrawn": None}
KNOWN = {"id": "PYSEC-2026-2", "aliases": ["CVE-2026-2"], "withdrawn": None}


class Index:
    """Tells of newest versions, and of single ones where it is told to."""

    def __init__(self) -> None:
        self.newest = dict(VERSIONS)
        self.single = False
        self.url = ""
        self.advisories: Mapping[str, list[dict[str, Any]]] = {}
        self.app = Starlette(
            routes=[Route("/pypi/{name}/json", self._newest), Route("/pypi/{name}/{version}/json", self._single)]
        )

    async def _newest(self, request: Request) -> Response:
        return self._told(request.path_params["name"], self.newest[request.path_params["name"]])

    async def _single(self, request: Request) -> Response:
        name, version = request.path_params["name"], request.path_params["version"]
        return self._told(name, version) if self.single else Response(status_code=404)

    def _told(self, name: str, version: str) -> Response:
        return JSONResponse({"info": {"version": version}, "vulnerabilities": self.advisories.get(name, [])})


@pytest.fixture
async def index() -> AsyncIterator[Index]:
    made = Index()
    async with serving(made.app) as url:
        made.url = url + "/pypi"
        yield made


async def audited(index: Index) -> int:
    return report(await asyncio.to_thread(by_newest, index.url, locked(NAMES)))


async def test_passes_when_every_package_was_told_of_and_exceptions_have_their_reason(index: Index) -> None:
    index.advisories = {"ecdsa": [EXCEPTED], "h11": [KNOWN | {"withdrawn": "2026-01-01T00:00:00Z"}]}
    assert await audited(index) == 0
    told = (Path(LOCK).parent / "SECURITY.md").read_text()
    assert all(f"| {name}" in told for name in EXCEPTIONS)


async def test_fails_for_an_advisory_without_a_reason(index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    index.advisories = {"ecdsa": [EXCEPTED], "h11": [KNOWN]}
    assert await audited(index) == 1
    assert f"h11 {VERSIONS['h11']}: CVE-2026-2 PYSEC-2026-2. Upgrade" in capsys.readouterr().out


async def test_an_old_version_of_which_nobody_tells_is_no_pass(
    index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    index.newest["urllib3"] = "99.0"
    assert await audited(index) == 2
    assert "the newest version, 99.0: upgrade to it (make lock)" in capsys.readouterr().out
    index.single = True
    assert await audited(index) == 0


async def test_an_index_that_tells_nothing_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    told = await asyncio.to_thread(by_newest, "http://127.0.0.1:9/pypi", locked(NAMES))
    assert report(told) == 2
    assert "0 of 3 packages looked up" in capsys.readouterr().out
    assert report([]) == 2


async def test_an_old_version_of_which_nobody_tells_passes_with_a_reason_only(index: Index) -> None:
    name, _, version = min(UNTOLD).partition(" ")
    index.newest[name] = "99.0"
    told = await asyncio.to_thread(by_newest, index.url, [*locked(NAMES), (name, version)])
    assert report(told) == 0
    assert not told[-1].passed  # and so it is not recorded as if it had been looked up
    assert report(await asyncio.to_thread(by_newest, index.url, [(name, "0.1")])) == 2
    index.single, index.advisories = True, {name: [KNOWN]}
    assert report(await asyncio.to_thread(by_newest, index.url, [(name, version)])) == 1


def test_a_package_that_is_not_locked_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["h11", "h111"]) == 2
    assert "Not in the lock: h111." in capsys.readouterr().out


def test_a_locked_version_that_was_never_looked_up_is_told(tmp_path: Path) -> None:
    record = tmp_path / "audited.txt"
    assert ("h11", VERSIONS["h11"]) in unrecorded(record)
    looked_up = [f"{name} {version}" for name, version in unrecorded(record)]
    remember([*looked_up, "h11 0.0.1"], date(2026, 11, 29), record)
    assert unrecorded(record) == []
    assert recorded(record)[f"h11 {VERSIONS['h11']}"] == "2026-11-29"
    assert "h11 0.0.1" not in recorded(record)  # locked no longer
    record.write_text(record.read_text().replace(f"h11 {VERSIONS['h11']}", "h11 0.0.1"))
    assert unrecorded(record) == [("h11", VERSIONS["h11"])]


def test_what_nobody_tells_of_is_locked_and_has_its_reason() -> None:
    told = (Path(LOCK).parent / "SECURITY.md").read_text()
    assert {f"{name} {version}" for name, version in locked()} >= UNTOLD
    assert all(f"| {package}" in told for package in UNTOLD)
