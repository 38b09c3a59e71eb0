"""`python -m infra.bench.profiled FILE`: tenant_api under pyinstrument; the profile is written when it ends.

Started by infra.bench.stage when a profile is asked for.
"""

import signal
import sys
from pathlib import Path

from pyinstrument import Profiler

from tenant_api.__main__ import main as serve

INTERVAL_SECONDS = 0.0005


def main() -> None:
    # The server hands the signal on once it has drained; it must not end us before the profile is written.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    profiler = Profiler(interval=INTERVAL_SECONDS, async_mode="disabled")
    profiler.start()
    try:
        serve([])
    finally:
        profiler.stop()
        flat = profiler.output_text(flat=True, show_all=True)
        Path(sys.argv[1]).write_text(flat + profiler.output_text(unicode=True, show_all=True))


if __name__ == "__main__":
    main()
