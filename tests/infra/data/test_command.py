"""The commands as an operator types them, against a running sandbox that has been used."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from infra.data.belongings import strangers
from infra.data.store import opened
from tests.e2e.installation import ROOT
from tests.infra.running import Sandbox
from tests.infra.test_sandbox import call


def run(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.data", "--state", str(state), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)


def test_looks_up_moves_and_erases_what_a_running_product_has_stored(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    told = sandbox.start()
    try:
        key = re.search(r"pk_live_\w+", told)
        platform = re.search(r"plt_[0-9a-f]{32}", told)
        assert key, told
        assert platform, told
        for user in ("alice", "bob", "bob"):
            assert call(sandbox.tenant, key.group(), user).status_code == 200

        _looks_up(sandbox, platform.group(), key.group())
        _moves(sandbox, platform.group(), tmp_path / "export.jsonl")
        _erases(sandbox, platform.group(), key.group())
    finally:
        assert sandbox.stop() == 0


def _looks_up(sandbox: Sandbox, platform: str, key: str) -> None:
    found = run(sandbox.state, "get", "tenant-usage", f"usage:{platform}:bob")
    assert json.loads(found.stdout)["usageCount"] == 2
    whole = "".join(run(sandbox.state, "list", table, "").stdout for table in ("platform-tokens", "tenant-tokens"))
    assert "(sealed)" in whole
    assert key not in whole
    assert not re.search(r'"(keyHash|sealedKey)": "[^"]{20}', whole)
    store = opened(None, sandbox.state)
    assert list(strangers(store)) == []
    store.close()


def _moves(sandbox: Sandbox, platform: str, file: Path) -> None:
    export = run(sandbox.state, "export", platform)
    assert export.returncode == 0, export.stderr
    file.write_text(export.stdout)
    assert re.match(r"0 items written, \d+ were there", run(sandbox.state, "import", str(file)).stderr)


def _erases(sandbox: Sandbox, platform: str, key: str) -> None:
    dry = run(sandbox.state, "erase-user", platform, "bob", "--dry-run")
    assert "nothing was changed" in dry.stderr
    assert run(sandbox.state, "erase-user", platform, "bob").stdout == dry.stdout
    assert run(sandbox.state, "get", "tenant-usage", f"usage:{platform}:bob").returncode == 1
    assert call(sandbox.tenant, key, "bob").json()["usage"]["count"] == 1
    gone = run(sandbox.state, "erase-developer", "--platform", platform)
    assert gone.returncode == 0, gone.stderr
    url = sandbox.tenant + "/api/usage"
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": "alice"}
    assert httpx2.get(url, headers=headers, trust_env=False).status_code in {200, 401}  # known for 0.75 s more
    for _ in range(3):  # the sums of calls of the last seconds may have been written since; they name nobody
        again = run(sandbox.state, "erase-developer", "--platform", platform)
        if f'"stats:{platform} / ' not in again.stdout:
            break
    assert "Nothing of theirs is here" in again.stderr, again.stdout
    assert httpx2.get(url, headers=headers, trust_env=False).status_code == 401


def test_without_a_sandbox_or_an_environment_it_says_what_to_do(tmp_path: Path) -> None:
    told = run(tmp_path, "get", "tenant-usage", "usage:x")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("The sandbox is not running; start it with: make run")
    told = run(tmp_path, "--env", "nowhere", "get", "tenant-usage", "usage:x")
    assert "nowhere.toml is missing" in told.stderr


@pytest.mark.parametrize("command", [("get", "users", "x"), ("list", "users", "")])
def test_a_table_that_is_none_is_told_with_those_that_are(tmp_path: Path, command: tuple[str, ...]) -> None:
    sandboxless = tmp_path / "running.json"
    sandboxless.write_text('{"pid": 1, "firstPort": 1}')
    told = run(tmp_path, *command)
    assert "NAMESPACE must be one of platform-usage, platform-tokens, tenant-usage, tenant-tokens" in told.stderr
