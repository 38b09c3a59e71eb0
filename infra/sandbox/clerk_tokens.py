"""The tokens of a stand-in Clerk: session tokens (version 2) and template tokens, signed with its newest key.

Called by the stand-in's API. Template claims follow Clerk's shortcodes: a lone shortcode keeps the value's type and is
null when nothing is there; `||` gives a fallback; inside longer text everything becomes text.
"""

import base64
import json
import re
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.sandbox.clerk_state import ClerkState, User, new_id

SESSION_CATEGORY = "cl_B7d4PD111AAA"
TEMPLATE_CATEGORY = "cl_B7d4PD222AAA"
LIFETIME_SECONDS = 60
SKEW_SECONDS = 5

TEMPLATES: dict[str, dict[str, str]] = {
    "dream-api": {"plan": "{{user.public_metadata.plan}}"},
    "end-user-api": {
        "platformId": "{{user.public_metadata.platformId}}",
        "plan": "{{user.public_metadata.plan}}",
    },
}

_SHORTCODE = re.compile(r"\{\{([^{}]*)\}\}")


def minted(  # a token is these facts
    state: ClerkState, issuer: str, user: User, session_id: str, template: str | None, origin: str | None, seconds: int
) -> str:
    """A signed token for a user; `template` None gives a session token."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "exp": now + seconds,
        "iat": now,
        "iss": issuer,
        "jti": new_id("jti"),
        "nbf": now - SKEW_SECONDS,
        "sub": user["id"],
    }
    if origin:
        claims["azp"] = origin
    if template is None:
        claims |= {"fva": [0, -1], "sid": session_id, "sts": "active", "v": 2}
    else:
        claims |= {name: rendered(text, user) for name, text in TEMPLATES[template].items()}
    kid = list(state.keys)[-1]
    category = SESSION_CATEGORY if template is None else TEMPLATE_CATEGORY
    header = {"alg": "RS256", "cat": category, "kid": kid, "typ": "JWT"}
    signing_input = f"{_segment(_json(header))}.{_segment(_json(claims))}"
    signature = state.keys[kid].sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{_segment(signature)}"


def rendered(text: str, user: User) -> Any:
    """A template claim with its shortcodes replaced."""
    alone = _SHORTCODE.fullmatch(text)
    if alone:
        return _value(alone.group(1), user)
    return _SHORTCODE.sub(lambda found: _as_text(_value(found.group(1), user)), text)


def key_set(state: ClerkState) -> dict[str, Any]:
    """The public keys, as `/.well-known/jwks.json` shows them."""
    return {"keys": [_published(kid, key) for kid, key in state.keys.items()]}


def _value(expression: str, user: User) -> Any:
    """The first operand of `a || b` that is neither null nor false, else the last one."""
    result = None
    for operand in expression.split("||"):
        result = _operand(operand.strip(), user)
        if result is not None and result is not False:
            return result
    return result


def _operand(text: str, user: User) -> Any:
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1]
    if text in {"true", "false"} or text.lstrip("-").isdigit():
        return json.loads(text)
    found: Any = {"user": user}
    for name in text.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _published(kid: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    public = key.public_key().public_numbers()
    numbers = {"n": _number(public.n), "e": _number(public.e)}
    return {"kty": "RSA", "kid": kid, "alg": "RS256", "use": "sig", **numbers}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _segment(value.to_bytes((value.bit_length() + 7) // 8))
