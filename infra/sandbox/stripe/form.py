"""The form encoding of Stripe's requests: `a[b][0][c]=v` and `expand[]=x` as nested dicts of strings. `api` calls it.

Lists stay dicts keyed "0", "1", … until `check` knows from the table that a list is meant: metadata may have such keys.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from infra.sandbox.stripe.errors import invalid

MAX_FIELDS = 1000
PART = re.compile(r"\[([^\[\]]*)\]")
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse(raw: str) -> dict[str, Any]:
    """The parameters of a query string or form body."""
    parsed: dict[str, Any] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True, max_num_fields=MAX_FIELDS):
        _place(parsed, name, value)
    return parsed


def _place(into: dict[str, Any], name: str, value: str) -> None:
    matched = NAME.fullmatch(name)
    if matched is None:
        raise invalid(f"Invalid parameter name: {name}", name)
    parts = [matched[1], *PART.findall(matched[2])]
    for part in parts[:-1]:
        below = into.setdefault(part or str(len(into)), {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid object: {name}", name)
        into = below
    into[parts[-1] or str(len(into))] = value
