"""All of a platform as JSON lines, and back. `make export PLATFORM=…` and `make import FILE=…` call it.

The first line says what it is, the last how many items there were, so that a file cut short is noticed. Items are as
DynamoDB has them, keys sealed or hashed as they are stored: the file is as confidential as the tables.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from infra.data.belongings import belongings, owner_of_platform
from infra.data.families import family_of
from infra.data.store import Item, Store, from_wire, to_wire
from infra.deploy.environment import Unusable
from shared.domain.ids import is_platform_id

FORMAT = "dream-api platform 1"
# Written last, so that no call comes in before the data that it counts against is there.
LAST = "apikey"


def exported(store: Store, platform_id: str, now: datetime) -> Iterator[str]:
    """The lines. Items whose time is over are left out, as is the bookkeeping of this installation."""
    if not is_platform_id(platform_id):
        raise Unusable(f"PLATFORM must be plt_ and 32 hex digits, not {platform_id!r}.")
    yield json.dumps({"format": FORMAT, "platformId": platform_id, "exportedAt": now.isoformat(timespec="seconds")})
    count = 0
    for one in belongings(store, owner_of_platform(store, platform_id)):
        if one.family.moves and not one.item.get("expiresAt", now.timestamp() + 1) <= now.timestamp():
            count += 1
            yield json.dumps({"table": one.table, "item": _jsonable(to_wire(one.item))}, ensure_ascii=False)
    if not count:
        raise Unusable(f"There is nothing of {platform_id} here.")
    yield json.dumps({"items": count})


def imported(store: Store, lines: Iterable[str]) -> tuple[int, int]:
    """Write what is not there yet; answers how many were written, and how many stood there just so.

    Raises Unusable, before anything is written, for a file that is no export, was cut short, holds what no family
    describes, or differs from what stands here.
    """
    items = _read(lines)
    differing, same = [], []
    for table, item in items:
        standing = store.get(table, {"pk": item["pk"], "sk": item["sk"]})
        if standing == item:
            same.append((table, item))
        elif standing is not None:
            differing.append(f"{table} {item['pk']} / {item['sk']}")
    if differing:
        shown = "\n".join(f"  {one}" for one in differing[:20])
        raise Unusable(f"{len(differing)} items stand here already and differ; nothing was written:\n{shown}")
    new = [entry for entry in items if entry not in same]
    for table, item in sorted(new, key=lambda entry: bool(entry[1]["sk"] == LAST)):
        if not store.put_new(table, item):
            raise Unusable(f"{table} {item['pk']} / {item['sk']} was written by somebody else meanwhile; import again.")
    return len(new), len(same)


def _read(lines: Iterable[str]) -> list[tuple[str, Item]]:
    try:
        parsed: list[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
    except ValueError as error:
        raise Unusable(f"The file is no export: {error}") from error
    if len(parsed) < 2 or parsed[0].get("format") != FORMAT:
        raise Unusable(f"The file is no export: its first line must say {FORMAT!r}.")
    body = parsed[1:-1]
    if parsed[-1].get("items") != len(body):
        raise Unusable("The file was cut short: its last line must say how many items there are.")
    items = [(str(one["table"]), from_wire(_binary(one["item"]))) for one in body]
    for table, item in items:
        if family_of(table, item) is None:
            raise Unusable(
                f"{table} {item['pk']} / {item['sk']} is no item that this version knows; nothing was written."
            )
    return items


def _jsonable(wire: dict[str, Any]) -> dict[str, Any]:
    """Binary values as hex; nothing we store today is, but a round trip must not depend on that."""
    return {name: {"B": value["B"].hex()} if "B" in value else value for name, value in wire.items()}


def _binary(wire: dict[str, Any]) -> dict[str, Any]:
    return {name: {"B": bytes.fromhex(value["B"])} if "B" in value else value for name, value in wire.items()}
