"""`python -m infra.sandbox.token USER [--app NAME]`: a fresh token of the running sandbox, for use with curl.

USER is an e-mail address (a new one signs up) or a user id. `make token USER=…` calls it.
"""

import argparse
import json
import sys
from pathlib import Path

import httpx

from infra.sandbox.layout import DEVELOPERS, END_USERS, STATE, Layout

LIFETIME_SECONDS = 3600


def token(layout: Layout, user: str, app: str) -> str:
    """A template token of an app for a user. Raises ValueError with what was wrong."""
    if app in json.loads(layout.running.read_text()).get("real", []):
        raise ValueError(f"The Clerk app {app} is the real one, by .env: sign in on its pages, no token is made up.")
    who = {"email": user} if "@" in user else {"userId": user}
    asked = who | {"template": app, "expiresInSeconds": LIFETIME_SECONDS}
    answer = httpx.post(layout.url(app) + "/_sandbox/token", json=asked, timeout=5, trust_env=False)
    body = answer.json()
    if not answer.is_success:
        raise ValueError(body["errors"][0]["message"])
    return str(body["jwt"])


def running(state: Path) -> Layout | None:
    """The sandbox that runs on a folder."""
    layout = Layout(state)
    if not layout.running.exists():
        return None
    return Layout(state, json.loads(layout.running.read_text())["firstPort"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Print a fresh token of the running sandbox.")
    parser.add_argument("user", help="an e-mail address or a user id")
    parser.add_argument("--app", choices=(DEVELOPERS, END_USERS), default=DEVELOPERS)
    parser.add_argument("--state", type=Path, default=STATE)
    asked = parser.parse_args()
    layout = running(asked.state)
    try:
        if layout is None:
            raise ValueError("The sandbox is not running; start it with: make run")
        print(token(layout, asked.user, asked.app))
    except (ValueError, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
