"""One account's objects at one instant: reading, writing, and telling of changes. Every rule of the stand-in gets one.

What starts with `_` in an object is the stand-in's own note; `public` takes it out before anything leaves.
"""

import copy
from dataclasses import dataclass

from infra.sandbox.stripe.config import API_VERSION, PLATFORM
from infra.sandbox.stripe.errors import Object, unknown_object
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.outbox import Outbox
from infra.sandbox.stripe.store import Store


@dataclass(frozen=True, slots=True)
class Books:
    """`base` is the address under which the hosted pages are reached; `request` and `key` go into events."""

    store: Store
    outbox: Outbox
    account: str
    now: int
    base: str = ""
    request: str | None = None
    key: str | None = None

    @property
    def connected(self) -> bool:
        return self.account != PLATFORM

    def find(self, kind: str, object_id: str) -> Object | None:
        return self.store.get(self.account, kind, object_id)

    def get(self, kind: str, object_id: str, param: str = "id") -> Object:
        """The object, or the refusal of an id that this account doesn't have."""
        found = self.find(kind, object_id)
        if found is None:
            raise unknown_object(kind, object_id, param)
        return found

    def all(self, kind: str, owner: str | None = None) -> list[Object]:
        return self.store.newest_first(self.account, kind, owner)

    def put(self, thing: Object) -> None:
        self.store.put(self.account, thing)

    def create(self, thing: Object, event: str | None = None) -> Object:
        self.put(thing)
        if event is not None:
            self.emit(event, thing)
        return thing

    def change(self, before: Object, after: Object, event: str) -> Object:
        """Write, and tell what changed; telling nothing when nothing that shows did."""
        self.put(after)
        previous = difference(public(before), public(after))
        if previous:
            self.emit(event, after, previous)
        return after

    def emit(self, event_type: str, thing: Object, previous: Object | None = None, *, always: bool = False) -> Object:
        """Record an event about an object as it is now and queue it for the endpoints."""
        data: Object = {"object": copy.deepcopy(public(thing))}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Object = {
            "id": fresh("event"),
            "object": "event",
            "api_version": API_VERSION,
            "context": None,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request, "idempotency_key": self.key},
            "type": event_type,
        }
        if self.connected:
            event["account"] = self.account
        self.put(event)
        self.outbox.add(self.account, event, always=always)
        return event


def public(thing: Object) -> Object:
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def difference(before: Object, after: Object) -> Object:
    """What changed, as it was before: whole values, but only the changed members of nested objects."""
    changed: Object = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list":
            changed[name] = difference(old, new)
        else:
            changed[name] = copy.deepcopy(old)
    return changed
