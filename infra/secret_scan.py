"""`python -m infra.secret_scan`: no file of the project holds a credential. `make lint` calls it.

Looks at every file in git or about to be, for the shapes that the credentials of this product and of those it works
with have. A key of ours is one only when its checksum is right. Prints where, never what.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from shared.domain.keys import is_well_formed

ROOT = Path(__file__).parents[1]
# Written in parts, or this file would find itself.
SHAPES = {
    "an API key of this product": r"pk_live_[0-9A-Za-z]{49}",
    "a live secret of Stripe or Clerk": r"(?:sk|rk)_live" + r"_[0-9A-Za-z]{16,}",
    "a test secret of Stripe or Clerk": r"(?:sk|rk)_test" + r"_[0-9A-Za-z]{24,}",
    "a webhook's signing secret": r"whsec" + r"_[0-9A-Za-z+/]{24,}",
    "an AWS access key": r"\b(?:AKIA|ASIA)" + r"[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE" + r" KEY-----",
    "a GitHub token": r"\b(?:gh[opsur]|github_pat)" + r"_[0-9A-Za-z_]{20,}",
    "a signed token": r"\beyJ[0-9A-Za-z_-]{20,}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{20,}",
    "a sealing key": r"CREDENTIAL_KEYS\s*[=:]\s*[\"']?[0-9A-Za-z_-]{43}=",
    "credentials in an address": r"\bhttps?://[^\s/:@\"'{}<>]{1,60}:[^\s/@\"'{}<>]{6,}@",
}
# A file and a shape that may stand in it, each with its reason.
ALLOWED: dict[tuple[str, str], str] = {
    ("tests/infra/data/test_keys.py", "a live secret of Stripe or Clerk"): "made up: what the data commands must hide",
}


def found_in(text: str) -> Iterator[tuple[int, str]]:
    """The line and the kind of every credential in a text."""
    for kind, shape in SHAPES.items():
        for match in re.finditer(shape, text):
            if kind != "an API key of this product" or is_well_formed(match.group()):
                yield text.count("\n", 0, match.start()) + 1, kind


def files() -> list[Path]:
    """What is in git, and what is not ignored by it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def main() -> int:
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {kind}"
        for path in files()
        for line, kind in found_in(path.read_text(errors="ignore"))
        if (str(path.relative_to(ROOT)), kind) not in ALLOWED
    ]
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - a command talks to a person
    if problems:
        print("Take these out and make them worthless: what was once in git is known.", file=sys.stderr)  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
