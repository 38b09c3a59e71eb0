"""`python -m infra.sandbox.with_engine COMMAND…`: runs a command with DYNAMODB_ENDPOINT set to a fresh native engine.

`make test` runs the tests so. The engine keeps its data in memory and ends with the command. Where it can't be had the
command runs without one, and the tests then take moto; SANDBOX_ENGINE=native makes that an error, =moto the choice.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from infra.sandbox import engine
from infra.sandbox.layout import HOST, STATE

START_SECONDS = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Until something listens there. Raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the native engine did not start")


def main() -> int:
    wanted = os.environ.get(engine.CHOICE, "")
    try:
        binary = None if wanted == "moto" else engine.installed(STATE / "engine")
    except engine.NoNativeEngine as error:
        print(f"The native engine can't be had: {error}.", file=sys.stderr)
        if wanted == "native":
            return 1
        binary = None
    return _run(None) if binary is None else _beside(binary)


def _beside(binary: Path) -> int:
    """Run the command while the engine serves."""
    port = free_port()
    serving = subprocess.Popen([binary, "serve", "--host", HOST, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        return _run(f"http://{HOST}:{port}")
    finally:
        serving.terminate()
        serving.wait()


def _run(endpoint: str | None) -> int:
    environment = os.environ | ({} if endpoint is None else {"DYNAMODB_ENDPOINT": endpoint})
    return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
