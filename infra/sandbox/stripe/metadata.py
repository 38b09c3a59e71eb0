"""How metadata changes: given keys replace, an empty value removes its key, an empty string removes all."""

from typing import Any


def merged(before: dict[str, str], given: Any) -> dict[str, str]:
    if given == "":
        return {}
    after = {**before, **(given or {})}
    return {key: value for key, value in after.items() if value != ""}
