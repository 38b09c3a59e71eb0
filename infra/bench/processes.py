"""Processes of the bench: started, waited for, their CPU time read, ended. Called by infra.bench.stage and measure."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 15
_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """One program that listens on a port, with whatever workers it starts."""

    def __init__(self, command: Sequence[str], port: int, environment: Mapping[str, str], log: Path) -> None:
        self.port = port
        self._log = log
        with log.open("ab") as out:
            self._running = subprocess.Popen(
                list(command), env=dict(environment), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait()

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the program and its workers so far."""
        return sum(_cpu(process) for process in _family(self._running.pid))

    @property
    def error(self) -> str | None:
        """The first error that it has logged, if any."""
        with self._log.open() as lines:
            return next((line.strip() for line in lines if '"level":"error"' in line), None)

    def stop(self) -> None:
        """End it, its workers with it; what does not end within 10 seconds is killed."""
        if self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGTERM)
            try:
                self._running.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._running.pid, signal.SIGKILL)
                self._running.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._running.poll() is None:
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise RuntimeError(f"it did not start; {self._log} says why:\n{self._log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Cores:
    """Where a row's processes run: the design's server, and store and load generator, in life other machines' work."""

    server: frozenset[int]
    others: frozenset[int]

    @classmethod
    def shared_out(cls, workers: int, *, one: bool) -> "Cores":
        """One server process has a core of its own. Several share all there are; where all is to be on `one`, it is."""
        every = frozenset(os.sched_getaffinity(0))
        first = frozenset({min(every)})
        if one or len(every) == 1:
            return cls(first, first)
        return cls(first, every - first) if workers == 1 else cls(every, every)


@contextmanager
def running_on(cores: frozenset[int]) -> Iterator[None]:
    """What is started meanwhile stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        found += [int(child) for child in children.split()]
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
