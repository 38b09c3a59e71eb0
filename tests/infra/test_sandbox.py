"""The sandbox as a person meets it: started, used, killed, started again, stopped, reset."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from infra.sandbox.engine import NoNativeEngine, chosen
from infra.sandbox.layout import PARTS
from tests.e2e.installation import ROOT, free_port

START_SECONDS = 60


def free_ports(count: int) -> int:
    """The first of some neighbouring ports that are all free."""
    for _ in range(50):
        first = free_port()
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except (OSError, OverflowError):
            continue
        finally:
            for probe in probes:
                probe.close()
        return first
    raise RuntimeError("no free ports")


class Sandbox:
    """A sandbox on a folder and ports of its own."""

    def __init__(self, state: Path, engine: str = "moto") -> None:
        self.state = state
        self.first = free_ports(len(PARTS))
        self.tenant = f"http://127.0.0.1:{self.first}"
        self.environment = os.environ | {"SANDBOX_ENGINE": engine, "PYTHONUNBUFFERED": "1"}

    def start(self) -> str:
        """Start it; answers what it told once it runs, or when it ended."""
        command = [sys.executable, "-m", "infra.sandbox", "--ports-from", str(self.first), "--state", str(self.state)]
        self.output = self.state.with_suffix(".out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if "Ctrl-C" in self.output.read_text():
                break
            time.sleep(0.1)
        return self.output.read_text()

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(40)

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", f"infra.sandbox.{name}", *arguments, "--state", str(self.state)]
        return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=30)


def call(url: str, key: str, user: str = "alice") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "X-User-Id": user}
    return httpx2.post(url + "/api/data", headers=headers, trust_env=False, timeout=10)


def children(first: int) -> list[int]:
    """The ports of a sandbox that something still listens on."""
    found = []
    for port in range(first, first + 8):
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found


def test_a_taken_port_is_one_sentence_and_nothing_is_left_running(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", sandbox.first + 1))
        taken.listen()
        told = sandbox.start()
        assert sandbox.process.wait(20) == 1
    assert f"port {sandbox.first + 1}, meant for platform_api, is taken" in told
    assert children(sandbox.first) == []


def test_an_engine_that_can_not_be_had_is_replaced_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SANDBOX_ENGINE", raising=False)
    assert "moto, in memory" in chosen(tmp_path, 1, tmp_path / "data").told
    monkeypatch.setenv("SANDBOX_ENGINE", "native")
    with pytest.raises(NoNativeEngine, match="npm is not installed"):
        chosen(tmp_path, 1, tmp_path / "data")


def test_serves_a_metered_call_and_a_token_and_ends_with_its_children_however_often_it_is_told_to(
    tmp_path: Path,
) -> None:
    sandbox = Sandbox(tmp_path / "state")
    told = sandbox.start()
    try:
        found = re.search(r"pk_live_\w+", told)
        assert found, told
        assert call(sandbox.tenant, found.group()).json()["usage"]["count"] == 1
        token = sandbox.command("token", "user@example.com", "--app", "end-user-api").stdout.strip()
        answer = httpx2.get(
            sandbox.tenant + "/api/usage", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )
        assert (answer.status_code, answer.json()["plan"]) == (200, "free")
        assert "is running" in sandbox.command("reset").stderr
        gate = httpx2.get(f"http://127.0.0.1:{sandbox.first + 3}/_gate/log", trust_env=False).json()["requests"]
        assert gate
        assert all(entry["allowed"] for entry in gate)
        assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o077 == 0
    finally:
        for how in (signal.SIGINT, signal.SIGTERM):  # what follows must not interrupt the first
            sandbox.process.send_signal(how)
            time.sleep(0.05)
        assert sandbox.stop() == 0
    assert children(sandbox.first) == []
    assert found.group() not in "".join(path.read_text() for path in (tmp_path / "state" / "logs").iterdir())
    assert sandbox.command("reset").returncode == 0
    assert list((tmp_path / "state").iterdir()) == []


def test_a_dead_part_is_one_sentence_and_ends_the_rest(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "state")
    sandbox.start()
    pid = subprocess.run(
        ["pgrep", "-f", f"infra.sandbox.gate --port {sandbox.first + 3}"], check=True, capture_output=True, text=True
    )
    os.kill(int(pid.stdout.split()[0]), signal.SIGKILL)
    assert sandbox.process.wait(40) == 1
    assert "gate ended by itself" in sandbox.output.read_text()
    assert children(sandbox.first) == []


@pytest.mark.store
def test_starts_again_after_a_kill_with_what_the_native_engine_has_kept(tmp_path: Path) -> None:
    native = "DYNAMODB_ENDPOINT" in os.environ  # the run on the second engine, where there is one
    sandbox = Sandbox(tmp_path / "state", "native" if native else "moto")
    key = re.search(r"pk_live_\w+", sandbox.start())
    assert key
    assert call(sandbox.tenant, key.group()).json()["usage"]["count"] == 1
    assert sandbox.stop(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while children(sandbox.first) and time.monotonic() < deadline:
        time.sleep(0.1)
    again = re.search(r"pk_live_\w+", sandbox.start())
    try:
        assert again
        assert (again.group() == key.group()) == native
        assert call(sandbox.tenant, again.group()).json()["usage"]["count"] == (2 if native else 1)
    finally:
        assert sandbox.stop() == 0
