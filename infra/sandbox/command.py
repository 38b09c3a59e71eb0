"""`python -m infra.sandbox.command SERVICE ARGUMENT…`: a service's command, with the settings of the running sandbox.

`make reconcile` calls it. Where no sandbox runs the command takes the environment and `.env`, as the service does.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from infra.sandbox.layout import ROOT, STATE, Layout
from infra.sandbox.processes import SandboxError
from infra.sandbox.supervisor import SERVICES, Supervisor, owner


def environment(state: Path, service: str) -> dict[str, str] | None:
    """What a service of the sandbox on this folder is told; None when none runs there. Raises SandboxError."""
    if owner(Layout(state)) is None:
        return None
    known = json.loads(Layout(state).running.read_text())
    supervisor = Supervisor(Layout(state, known["firstPort"]), print, Path(known["envFile"]))
    supervisor.configure()
    supervisor.find_price()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {"PYTHONPATH": str(ROOT)} | supervisor.environment(service)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a service's command beside the running sandbox.")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--state", type=Path, default=STATE)
    asked, arguments = parser.parse_known_args()
    try:
        found = environment(asked.state.resolve(), asked.service)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    line = [sys.executable, "-m", asked.service, *arguments]
    if found is None:
        return subprocess.run(line, cwd=ROOT, check=False).returncode
    # Not in the project's folder, whose `.env` has been read already.
    return subprocess.run(line, cwd=asked.state, env=found, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
