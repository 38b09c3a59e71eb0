"""`python -m infra.sandbox.reset`: forgets all a sandbox has stored, but keeps the engine that was installed."""

import argparse
import shutil
import sys
from pathlib import Path

from infra.sandbox.layout import STATE, Layout
from infra.sandbox.supervisor import owner

KEPT = "engine"


def reset(state: Path) -> None:
    """Clear a state folder. Raises ValueError while a sandbox runs on it."""
    pid = owner(Layout(state))
    if pid is not None:
        raise ValueError(f"The sandbox is running (process {pid}); stop it first.")
    for path in state.iterdir() if state.exists() else ():
        if path.name == KEPT:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description="Forget all the sandbox has stored.")
    parser.add_argument("--state", type=Path, default=STATE)
    try:
        reset(parser.parse_args().state)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
