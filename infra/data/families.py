"""Every kind of item, one line each: where it is, what it is called in the documents, whose it is, how it is erased.

Export, listing and erasing go by these lines and nothing else: a new kind of item is one more line. A test fails when
an item of the running product fits none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from infra.tables import PLATFORM_TOKENS, PLATFORM_USAGE, TENANT_TOKENS, TENANT_USAGE

Item = Mapping[str, Any]
Facts = dict[str, str]


class Erasing(StrEnum):
    """What becomes of an item when whom it belongs to is erased."""

    DELETE = "delete"
    KEEP = "keep"  # names nobody
    ACCOUNT = "keep the billing ids"  # rewritten without the person (erasing.py)


_SHAPES = {
    "platformId": r"plt_[0-9a-f]{32}",
    "userId": r".+",  # a developer's server may name its users as it likes
    "hash": r"[0-9a-f]+",
    "instant": r"[^#]+",
    "process": r"[^#]+",
    "part": r"[^:]+",
    "rest": r".*",
}
_PLACE = re.compile(r"\{(\w+)\}")


def pattern_of(template: str) -> re.Pattern[str]:
    """A template such as `usage:{platformId}:{userId}` as a pattern with named groups."""
    parts = _PLACE.split(template)
    texts = (re.escape(part) for part in parts[::2])
    groups = [f"(?P<{name}>{_SHAPES.get(name, '[^:#]+')})" for name in parts[1::2]]
    return re.compile("".join(text + group for text, group in zip(texts, [*groups, ""], strict=True)), re.DOTALL)


@dataclass(frozen=True)
class Family:
    """One kind of item. `names` leads from documented keys to the attribute each shows (None: all of them).

    `takes` are attributes that tell whose it is, beside what stands in the key; `moves` is whether an export holds it.
    """

    table: str
    pk: str
    sk: str
    names: Mapping[str, str | None]
    takes: tuple[str, ...] = ()
    erasing: Erasing = Erasing.DELETE
    moves: bool = True

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return pattern_of(self.pk), pattern_of(self.sk)

    def match(self, table: str, item: Item) -> Facts | None:
        """Whose item it is, as far as it says: platformId, userId, account and what else its key holds."""
        if table != self.table:
            return None
        found = [p.fullmatch(str(item[k])) for p, k in zip(self._patterns, ("pk", "sk"), strict=True)]
        if found[0] is None or found[1] is None:
            return None
        facts = found[0].groupdict() | found[1].groupdict()
        return facts | self._taken(item)

    def _taken(self, item: Item) -> Facts:
        facts = {name: str(item[name]) for name in self.takes if name in item}
        subject = facts.pop("subject", None)
        if subject is not None:
            inside = pattern_of("{platformId}:{userId}").fullmatch(subject)
            facts |= inside.groupdict() if inside else {"userId": subject}
        return facts

    def key(self, facts: Mapping[str, str]) -> dict[str, str]:
        """The item's key. Raises KeyError where the facts do not say enough."""
        return {"pk": filled(self.pk, facts), "sk": filled(self.sk, facts)}


def filled(template: str, facts: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: facts[found.group(1)], template)


def _family(table: str, pk: str, sk: str, names: Mapping[str, str | None] | None = None, **more: Any) -> Family:
    return Family(table, pk, sk, names or {}, **more)


PU, PT, TU, TT = PLATFORM_USAGE.name, PLATFORM_TOKENS.name, TENANT_USAGE.name, TENANT_TOKENS.name
WEBHOOK: dict[str, str | None] = {"webhook:stripe:{eventId}": None}
API_KEY: dict[str, str | None] = {"apikey:{hash}": "platformId"}
PAID: dict[str, Any] = {"takes": ("account", "customerId"), "erasing": Erasing.ACCOUNT}
KEPT: dict[str, Any] = {"erasing": Erasing.KEEP}
OURS: dict[str, Any] = {"moves": False}  # bookkeeping of one installation

FAMILIES = (
    _family(PU, "usage:{userId}", "usage", {"usage:{userId}": None}),
    _family(PU, "idempotency:usage:{userId}:{hash}", "idempotency"),
    _family(PU, "webhook:stripe:{eventId}", "event", WEBHOOK, **KEPT),
    _family(PT, "user:{userId}", "credential", {"user:{userId}:platformId": "platformId"}, takes=("platformId",)),
    _family(
        PT,
        "platform:{platformId}",
        "credential",
        {"platform:{platformId}:userId": "userId", "user:{userId}:apiKey": "sealedKey"},
        takes=("userId",),
    ),
    _family(PT, "apikey:{hash}", "apikey", API_KEY, takes=("platformId",)),
    _family(PT, "platform:{platformId}", "leakPolicy"),
    _family(PT, "leaks:{platformId}", "{hash}"),
    _family(PT, "leaked:{hash}", "leak", takes=("platformId",)),
    _family(PT, "registry:{digit}", "{platformId}"),
    _family(PT, "outbox:{day}", "{instant}#{platformId}#{version}", **OURS),
    _family(PT, "user:{userId}", "billing", **PAID),
    _family(PT, "customer:{account}:{customerId}", "customer", takes=("subject",), erasing=Erasing.ACCOUNT),
    _family(PT, "billing:{digit}", "{userId}"),
    _family(PT, "accounting:{account}:{customerId}", "billing", takes=("platformId",), **KEPT),
    _family(TU, "usage:{platformId}:{userId}", "usage", {"usage:{platformId}:{userId}": None}),
    _family(TU, "idempotency:usage:{platformId}:{userId}:{hash}", "idempotency"),
    _family(TU, "webhook:stripe:{eventId}", "event", WEBHOOK, takes=("account",), **KEPT),
    _family(TU, "register:{rest}", "usage", **OURS),
    _family(TU, "users:{platformId}", "{userId}"),
    _family(TU, "stats:{platformId}", "{date}#{process}"),
    _family(TU, "revenue:{platformId}", "{month}#{currency}", **KEPT),
    _family(TU, "invoice:{account}:{invoiceId}", "invoice", **KEPT),
    _family(TU, "refund:{account}:{refundId}", "refund", **KEPT),
    _family(TU, "rank:{platformId}:{month}", "{step}#{userId}"),
    _family(TU, "near:{platformId}:{month}", "{userId}"),
    _family(TU, "events:{platformId}", "{instant}#{eventId}"),
    _family(TU, "open:{process}", "{date}#{platformId}", **OURS),
    _family(TU, "processes", "{process}", **OURS),
    _family(TT, "apikey:{hash}", "apikey", API_KEY, takes=("platformId",)),
    _family(
        TT,
        "platform:{platformId}",
        "profile",
        {"platform:{platformId}:email": "email", "platform:{platformId}:createdAt": "createdAt"},
    ),
    _family(TT, "platform:{platformId}", "tierConfig", {"user:{platformId}:tierConfig": None}),
    # All that is kept of a platform beside it: its account, portal, origins, settings, drafts, versions.
    _family(TT, "platform:{platformId}", "{part}", {"platform:{platformId}:{part}": None}),
    _family(TT, "account:{account}", "account", takes=("platformId",)),
    _family(TT, "user:{platformId}:{userId}", "billing", **PAID),
    _family(TT, "customer:{account}:{customerId}", "customer", takes=("subject",), erasing=Erasing.ACCOUNT),
    _family(TT, "billing:{digit}", "{platformId}:{userId}"),
    _family(TT, "subscribers:{platformId}", "{userId}"),
    _family(TT, "member:{userId}", "member", takes=("platformId",)),
    _family(TT, "accounting:{account}:{customerId}", "billing", takes=("platformId",), **KEPT),
    _family(TT, "oauth:{hash}", "state", takes=("platformId",), **OURS),
    _family(TT, "bridge", "cursor", **OURS),
)


def family_of(table: str, item: Item) -> tuple[Family, Facts] | None:
    """An item's kind and what it tells; None for one that no line describes."""
    for family in FAMILIES:
        facts = family.match(table, item)
        if facts is not None:
            return family, facts
    return None


def of_table(table: str) -> Iterator[Family]:
    return (family for family in FAMILIES if family.table == table)
