"""What a person looking at data may see of secrets: that they are there. Called by keys.py for everything printed."""

import re
from collections.abc import Mapping
from typing import Any

SHOWN = 8
# Sealed keys, hashes of keys and of browsers' secrets, keys that sign previews, PKCE's verifiers, bodies' hashes.
_NAMES = frozenset({"sealedKey", "keyHash", "previousHash", "browser", "verifier", "key", "fingerprint"})
_VALUES = re.compile(r"\b(?:sk|rk|pk)_(?:live|test)_\w+|\bwhsec_\w+")


def masked(value: Any, name: str = "") -> Any:
    """The same with secrets masked, however deep they lie."""
    if isinstance(value, Mapping):
        return {inner: masked(one, inner) for inner, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(masked(one) for one in value)
    if name == "sealedKey":
        return "(sealed)"
    if isinstance(value, str):
        return _hidden(value) if name in _NAMES else _VALUES.sub(lambda found: _hidden(found.group()), value)
    return "(hidden)" if name in _NAMES or isinstance(value, bytes) else value


def _hidden(text: str) -> str:
    return f"{text[:SHOWN]}…" if len(text) >= 4 * SHOWN else "(hidden)"
