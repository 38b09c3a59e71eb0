"""The DynamoDB engine of the sandbox: the native one where it can be had, else moto's in memory.

The native engine comes from npm, pinned with its hash, and keeps its data through a kill. The supervisor starts what
`command` answers; infra.sandbox.with_engine runs the tests on it.
"""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent / "native_engine"
BINARY = Path("node_modules/@dynoxide/linux-x64/dynoxide")
INSTALL_SECONDS = 90
CHOICE = "SANDBOX_ENGINE"  # native, or moto, where the choice is not left to us


class NoNativeEngine(Exception):
    """Why the native engine can't be had here, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What to start, and what to tell about it."""

    command: tuple[str, ...]
    told: str


def chosen(folder: Path, port: int, data: Path) -> Engine:
    """This machine's engine, installed into `folder` when need be. Raises NoNativeEngine where it was demanded."""
    wanted = os.environ.get(CHOICE, "")
    if wanted == "moto":
        return _moto(port, "as asked")
    try:
        binary = installed(folder)
    except NoNativeEngine as error:
        if wanted == "native":
            raise
        return _moto(port, str(error))
    command = (str(binary), "serve", "--host", "127.0.0.1", "--port", str(port), "--db-path", str(data))
    return Engine(command, "native engine; data is kept through restarts and kills")


def installed(folder: Path) -> Path:
    """The native engine's program, installed into `folder` unless this very version is there."""
    binary = folder / BINARY
    lock = (PACKAGE / "package-lock.json").read_text()
    installed_lock = folder / "package-lock.json"
    if binary.exists() and installed_lock.exists() and installed_lock.read_text() == lock:
        return binary
    machine = (platform.system(), platform.machine())
    if machine != ("Linux", "x86_64"):
        raise NoNativeEngine(f"there is none for {machine[0]} on {machine[1]}")
    npm = shutil.which("npm")
    if npm is None:
        raise NoNativeEngine("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGE / name, folder / name)
    _install(npm, folder)
    if not binary.exists():
        raise NoNativeEngine("npm installed nothing for this platform")
    return binary


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NoNativeEngine(f"npm did not finish within {INSTALL_SECONDS} seconds") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise NoNativeEngine(f"npm could not install it ({lines[-1][:120]})") from error


def _moto(port: int, reason: str) -> Engine:
    command = (sys.executable, "-m", "infra.sandbox.moto_engine", "--port", str(port))
    return Engine(command, f"moto, in memory: data ends with the sandbox (no native engine: {reason})")
