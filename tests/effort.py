"""How much the tests that try examples try: a few with every run, `EFFORT=10 make test` ten times as many."""

import os

EFFORT = int(os.environ.get("EFFORT", "1"))


def examples(few: int) -> int:
    """The number of examples, where `few` are tried with every run."""
    return few * EFFORT
