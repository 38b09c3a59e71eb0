"""`python -m infra.data COMMAND …`: get, list, export, import, erase-user, erase-developer; make's targets call it.

Values go to standard output as JSON, everything else to standard error.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from infra.data import erasing, exporting, keys
from infra.data.belongings import strangers
from infra.data.masking import masked
from infra.data.store import Store, opened
from infra.deploy.environment import FOLDER, Unusable
from infra.sandbox.layout import STATE

AFTERWARDS = (
    "What is not ours stays: delete the user in Clerk's dashboard, and the customer at Stripe, where invoices must be "
    "kept. Logs name user ids until their retention is over, Stripe's events for 30 days, and backups of the last 35 "
    "days hold the items."
)


def out(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


def say(text: str) -> None:
    print(text, file=sys.stderr)


def get(store: Store, asked: argparse.Namespace) -> None:
    value = keys.find(store, keys.known_table(asked.namespace), asked.key)
    if value is None:
        raise Unusable(f"There is no {asked.key} in {asked.namespace}.")
    # A single attribute is masked by its own name: `user:…:apiKey` is a sealed key.
    out(masked(value, "sealedKey" if asked.key.endswith(":apiKey") else ""))


def show_list(store: Store, asked: argparse.Namespace) -> None:
    found = keys.listed(store, keys.known_table(asked.namespace), asked.prefix)
    for key, value in islice(found, asked.limit):
        out({"key": key, "value": masked(value, "sealedKey" if key.endswith(":apiKey") else "")})
    if next(found, None) is not None:
        say(f"There are more than {asked.limit}; ask for more with LIMIT=…")


def export(store: Store, asked: argparse.Namespace) -> None:
    for line in exporting.exported(store, asked.platform, datetime.now(UTC)):
        print(line)
    for stranger in strangers(store):
        say(f"not known to belong to anybody, so not looked at: {stranger}")
    say("Keep this file as safe as the tables: it holds personal data, sealed keys and hashes.")


def bring_in(store: Store, asked: argparse.Namespace) -> None:
    with Path(asked.file).open(encoding="utf-8") as lines:
        written, same = exporting.imported(store, lines)
    say(f"{written} items written, {same} were there already.")


def erase_user(store: Store, asked: argparse.Namespace) -> None:
    _erase(store, erasing.end_user(store, asked.platform, asked.user, datetime.now(UTC)), dry=asked.dry_run)


def erase_developer(store: Store, asked: argparse.Namespace) -> None:
    if not (asked.user or asked.platform):
        raise Unusable("Say whom: USER=user_… or, for one who registered by e-mail, PLATFORM=plt_…")
    steps = erasing.developer(store, asked.user or None, asked.platform or None, datetime.now(UTC))
    _erase(store, steps, dry=asked.dry_run)


def _erase(store: Store, steps: list[erasing.Step], *, dry: bool) -> None:
    for step in steps:
        out(step.told())
    if dry:
        say(f"{len(steps)} items would be erased; nothing was changed.")
        return
    erasing.done(store, steps)
    say(f"{len(steps)} items erased." if steps else "Nothing of theirs is here (any more).")
    say(AFTERWARDS)


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.data", description="Look at, move and erase stored data.")
    parser.add_argument("--env", default=None, help="an environment in AWS; without it, the running sandbox")
    parser.add_argument("--state", type=Path, default=STATE, help="the sandbox's folder")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the environments' files are")
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: Callable[[Store, argparse.Namespace], None], *positional: str) -> Any:
        added = commands.add_parser(name)
        added.set_defaults(run=run)
        for one in positional:
            added.add_argument(one)
        return added

    command("get", get, "namespace", "key")
    command("list", show_list, "namespace", "prefix").add_argument("--limit", type=int, default=100)
    command("export", export, "platform")
    command("import", bring_in, "file")
    command("erase-user", erase_user, "platform", "user").add_argument("--dry-run", action="store_true")
    added = command("erase-developer", erase_developer)
    added.add_argument("--user", default="")
    added.add_argument("--platform", default="")
    added.add_argument("--dry-run", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    asked = parsed(arguments)
    try:
        store = opened(asked.env or None, asked.state, asked.folder)
        try:
            asked.run(store, asked)
        finally:
            store.close()
    except (Unusable, OSError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
