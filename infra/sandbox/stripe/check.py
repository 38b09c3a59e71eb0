"""Turns a request's strings into values, refusing what the table of legal parameters doesn't allow. `api` calls it."""

import re
from collections.abc import Callable
from typing import Any

from infra.sandbox.stripe.errors import invalid, missing_parameter, not_modelled, unknown_parameter
from infra.sandbox.stripe.legal import Param, Params

WHOLE = re.compile(r"-?\d{1,15}")
DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,12})?")
YES_NO = {"true": True, "false": False}
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 50, 40, 500


def checked(given: dict[str, Any], legal: Params, prefix: str = "") -> dict[str, Any]:
    """The parameters with their types, or the refusal that names the first one that can't be."""
    for name in given:
        if name not in legal:
            raise unknown_parameter(_name(prefix, name))
    for name, param in legal.items():
        if param.required and name not in given:
            raise missing_parameter(_name(prefix, name))
    return {name: _value(value, legal[name], _name(prefix, name)) for name, value in given.items()}


def _name(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _value(value: Any, param: Param, name: str) -> Any:
    if value == "" and param.clearable:
        return "" if param.kind == "metadata" else None
    return CHECKS[param.kind](value, param, name)


def _text(value: Any, param: Param, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", name)
    if value == "":
        raise invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter;"
            f" however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty"
            " value.",
            name,
            "parameter_invalid_empty",
        )
    if param.choices and value not in param.choices:
        raise invalid(f"Invalid {name}: must be one of {', '.join(param.choices)}", name)
    return value


def _whole(value: Any, _param: Param, name: str) -> int:
    if not isinstance(value, str) or WHOLE.fullmatch(value) is None:
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def _decimal(value: Any, _param: Param, name: str) -> float:
    if not isinstance(value, str) or DECIMAL.fullmatch(value) is None:
        raise invalid(f"Invalid decimal: {value}", name)
    if len(value.partition(".")[2].rstrip("0")) > 2:
        raise invalid(f"Invalid decimal: {value} must have at most two decimal places", name)
    return float(value)


def _yes_no(value: Any, _param: Param, name: str) -> bool:
    # The client writes Python's own True and False.
    if not isinstance(value, str) or value.lower() not in YES_NO:
        raise invalid(f"Invalid boolean: {value}", name)
    return YES_NO[value.lower()]


def _metadata(value: Any, _param: Param, name: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {name} must be a set of key-value pairs", name)
    if len(value) > METADATA_KEYS:
        raise invalid(f"Metadata can have at most {METADATA_KEYS} keys", name)
    for key, text in value.items():
        at = _name(name, key)
        if not isinstance(text, str):
            raise invalid(f"Invalid string: {at}: metadata values must be strings", at)
        if len(key) > METADATA_KEY:
            raise invalid(f"Metadata keys must be at most {METADATA_KEY} characters: {key}", at)
        if len(text) > METADATA_VALUE:
            raise invalid(f"Metadata values can have up to {METADATA_VALUE} characters: {key}", at)
    return dict(value)


def _list(value: Any, param: Param, name: str) -> list[Any]:
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid(f"Invalid array: {name}", name)
    elements = [value[key] for key in sorted(value, key=int)]
    if param.largest is not None and len(elements) > param.largest:
        raise invalid(f"Array {name} exceeded maximum {param.largest} allowed elements.", name)
    return [_value(element, param.of, f"{name}[{at}]") for at, element in enumerate(elements)]


def _object(value: Any, param: Param, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {name} must be an object", name)
    return checked(value, param.of, name)


def _any(value: Any, _param: Param, _name: str) -> Any:
    return value


def _not_modelled(_value: Any, _param: Param, name: str) -> Any:
    raise not_modelled(name)


CHECKS: dict[str, Callable[[Any, Param, str], Any]] = {
    "text": _text,
    "whole": _whole,
    "decimal": _decimal,
    "yes_no": _yes_no,
    "metadata": _metadata,
    "list": _list,
    "object": _object,
    "any": _any,
    "not_modelled": _not_modelled,
}
