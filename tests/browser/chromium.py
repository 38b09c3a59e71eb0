"""Which browser the tests of this folder drive.

`python -m tests.browser.chromium` prints its path, or says what to install; `make test-browser` asks it first.
"""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "The browser tests need Chromium and none was found. On Debian: apt-get install chromium. "
    "If yours has another name, say it: CHROMIUM=/path/to/chromium make test-browser"
)
# A browser that asks nobody for anything: no updates, no background traffic, and no name but loopback's resolves.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)


def found() -> str | None:
    """The browser's path; CHROMIUM wins, also when it is wrong, so that nobody tests with another one unknowingly."""
    given = os.environ.get("CHROMIUM")
    if given:
        return shutil.which(given)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    browser = found()
    if browser is None:
        sys.exit(MISSING)
    print(browser)
