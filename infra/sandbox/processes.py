"""Child processes of the sandbox: started with an environment of their own, watched, and ended in reverse order.

Used by the supervisor only.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from infra.sandbox.layout import ROOT

END_SECONDS = 8
LAST_LINES = 12
_PR_SET_PDEATHSIG = 1


class SandboxError(Exception):
    """Why the sandbox can't go on, as a sentence for a person."""


@dataclass(slots=True)
class Child:
    """One process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self) -> str:
        return "\n".join("    " + line for line in self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])


@dataclass(slots=True)
class Processes:
    """The children, in the order they were started."""

    logs: Path
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Child:
        """Start one; it sees the given variables and no others of ours but PATH, HOME and LANG, and no `.env`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{name}.log"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.logs,
                env=inherited | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)} | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends them in order
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - the supervisor has no threads
            )
        child = Child(name, process, path)
        self.children.append(child)
        return child

    def wait_for(self, child: Child, url: str, seconds: float = 30) -> None:
        """Until it answers at an address, whatever the status. Raises SandboxError when it ends or stays silent."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            try:
                httpx.get(url, timeout=2, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise SandboxError(f"{child.name} did not answer within {seconds:.0f} seconds.\n{child.last_lines()}")

    def check(self) -> None:
        """Raises SandboxError when a child has ended by itself."""
        for child in self.children:
            code = child.process.poll()
            if code is not None:
                told = f"{child.name} ended by itself (exit code {code}); the last lines of {child.log}:"
                raise SandboxError(f"{told}\n{child.last_lines()}")

    def end(self) -> None:
        """End all, the last started first; one that does not go is killed."""
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
                try:
                    child.process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
        self.children.clear()


def _end_with_parent() -> None:
    """Where the system can, have it end the child when the supervisor is killed: nothing must hold its ports then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
