"""A real sandbox for tests: started as a person starts it, on a folder and free ports of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from infra.sandbox.layout import PARTS, Layout
from tests.e2e.installation import ROOT

START_SECONDS = 60


def free_ports(count: int) -> int:
    """The first of some neighbouring ports that are all free, and that the system gives to nobody who asks for any."""
    for _ in range(50):
        first = 10_000 + secrets.randbelow(10_000)
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
        self.env_file = state.with_suffix(".env")  # none, unless a test writes one
        self.first = free_ports(len(PARTS))
        self.layout = Layout(state, self.first)
        self.tenant = f"http://127.0.0.1:{self.first}"
        self.environment = os.environ | {"SANDBOX_ENGINE": engine, "PYTHONUNBUFFERED": "1"}

    def start(self) -> str:
        """Start it; answers what it told once it runs, or when it ended."""
        command = [sys.executable, "-m", "infra.sandbox", "--ports-from", str(self.first), "--state", str(self.state)]
        command += ["--env-file", str(self.env_file)]
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
