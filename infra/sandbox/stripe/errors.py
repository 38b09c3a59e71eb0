"""What the stand-in refuses, in Stripe's own error shape. Raised anywhere, told by `api` and the pages.

`executed` says whether the work had begun: only then is the answer kept for the request's idempotency key.
"""

from typing import Any

Object = dict[str, Any]


class Refusal(Exception):
    """A request that is answered with an error body."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.executed = executed

    def body(self) -> Object:
        facts = {"type": self.kind, "code": self.code, "message": self.message, "param": self.param}
        return {"error": {name: fact for name, fact in facts.items() if fact is not None}}


class OAuthRefusal(Exception):
    """A request to the OAuth endpoints that is answered with `{"error", "error_description"}`."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> Object:
        return {"error": self.error, "error_description": self.description}


def unknown_object(kind: str, object_id: str, param: str = "id") -> Refusal:
    """The same answer for an id that never was and for one of another account."""
    named = kind.rsplit(".", maxsplit=1)[-1].replace("_", " ")
    status = 404 if param == "id" else 400
    return Refusal(f"No such {named}: '{object_id}'", status=status, code="resource_missing", param=param)


def unknown_parameter(name: str) -> Refusal:
    return Refusal(f"Received unknown parameter: {name}", code="parameter_unknown", param=name, executed=False)


def missing_parameter(name: str) -> Refusal:
    return Refusal(f"Missing required param: {name}.", code="parameter_missing", param=name, executed=False)


def invalid(message: str, param: str, code: str | None = None) -> Refusal:
    """A parameter of the wrong type or range, found before any work."""
    return Refusal(message, code=code, param=param, executed=False)


def not_modelled(name: str) -> Refusal:
    """Legal at Stripe, but kept nowhere here: better refused than silently ignored."""
    return Refusal(f"The sandbox does not model `{name}`.", code="sandbox_not_modelled", param=name, executed=False)


def card_declined(message: str) -> Refusal:
    return Refusal(message, status=402, kind="card_error", code="card_declined")
