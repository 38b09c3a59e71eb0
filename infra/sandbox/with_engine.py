"""`python -m infra.sandbox.with_engine COMMAND…`: runs a command with DYNAMODB_ENDPOINT set to a fresh native engine.

`make test-engine` runs the tests so. The engine keeps its data in memory and ends with the command.
"""

import os
import socket
import subprocess
import sys
import time

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
    try:
        binary = engine.installed(STATE / "engine")
    except engine.NoNativeEngine as error:
        print(f"The native engine can't be had: {error}.", file=sys.stderr)
        return 1
    port = free_port()
    serving = subprocess.Popen([binary, "serve", "--host", HOST, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        environment = os.environ | {"DYNAMODB_ENDPOINT": f"http://{HOST}:{port}"}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
    finally:
        serving.terminate()
        serving.wait()


if __name__ == "__main__":
    sys.exit(main())
