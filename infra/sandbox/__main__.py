"""`python -m infra.sandbox`: the whole product on this machine until Ctrl-C. `make run` calls it."""

import argparse
import sys
from pathlib import Path

from infra.sandbox.configured import FILE
from infra.sandbox.layout import FIRST_PORT, STATE, Layout
from infra.sandbox.supervisor import Supervisor


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Run dream-api on this machine, with stand-ins for what .env does not name."
    )
    parser.add_argument("--ports-from", type=int, default=FIRST_PORT, help="the first of the ports it takes")
    parser.add_argument("--state", type=Path, default=STATE, help="the folder it keeps everything in")
    parser.add_argument("--env-file", type=Path, default=FILE, help="keys of real systems, each in place of a stand-in")
    parser.add_argument("--no-seed", action="store_true", help="start empty")
    asked = parser.parse_args()
    layout = Layout(asked.state.resolve(), asked.ports_from)
    supervisor = Supervisor(layout, lambda text: print(text, flush=True), asked.env_file.resolve())
    return supervisor.run(seeded=not asked.no_seed)


if __name__ == "__main__":
    sys.exit(main())
