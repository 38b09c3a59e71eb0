"""Forged tokens and forged webhooks, through every service's front door. The verifier's own list of forgeries, 46
kinds, is in tests/shared/adapters/test_clerk.py; here are those that aim at more than one part.
"""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.infra.stripe.sandbox import CONNECT_SECRET, OWN_SECRET
from tests.tokens import Issuer, segment
from tests.trust.conftest import Counted
from tests.trust.people import EndUser, bearer
from tests.trust.product import DEVELOPERS, END_USERS, PLATFORM_PAGES, TENANT_PAGES, Product
from tests.trust.trap import set_up

pytestmark = pytest.mark.asyncio(loop_scope="session")

GUARDED = (
    ("platform_api", "GET", "/usage", DEVELOPERS, PLATFORM_PAGES),
    ("oauth_bridge", "GET", "/tiers", DEVELOPERS, PLATFORM_PAGES),
    ("tenant_api", "GET", "/api/usage", END_USERS, TENANT_PAGES),
)
TWO_ALGS = b'{"alg":"RS256","typ":"JWT","kid":"x","alg":"none"}'
TWO_SUBJECTS = b'{"sub":"user_1",'
FULL_WIDTH = "\uff32\uff33256"
MINE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, key: rsa.RSAPrivateKey = MINE) -> str:
    """A token of the attacker's own making, well signed with a key of their own."""
    head, body = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, claims))
    signing_input = f"{segment(head)}.{segment(body)}"
    return f"{signing_input}.{segment(key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def forgeries(issuer: Issuer, party: str, claims: dict[str, Any], trap: str) -> Iterator[tuple[str, str]]:
    """Every kind by its name. `trap` is an address that nobody may fetch."""
    head = {"alg": "RS256", "typ": "JWT", "kid": issuer.kid}
    good = issuer.token(azp=party, **claims)
    parts = good.split(".")
    body = json.loads(decoded(parts[1]))
    yield from key_forgeries(issuer, head, body, trap)
    yield from part_forgeries(head, body, good)
    yield from timely_forgeries(issuer, party, claims)


def key_forgeries(issuer: Issuer, head: dict[str, Any], body: dict[str, Any], trap: str) -> Iterator[tuple[str, str]]:
    numbers = MINE.public_key().public_numbers()
    jwk = {"kty": "RSA", "kid": "mine", "n": number(numbers.n), "e": number(numbers.e)}
    for name, kid in {
        "a path": "../../../../dev/null",
        "an address": trap + "/keys",
        "a query": "x' UNION SELECT 'key' --",
        "a command": "x;id",
        "nothing": "",
        "a zero byte": issuer.kid + "\0",
        "blanks around": f" {issuer.kid} ",
        "another case": issuer.kid.upper(),
        "a thousand characters": "k" * 1000,
        "half a character": "\ud800",
        "the other app's": (END_USERS if issuer is DEVELOPERS else DEVELOPERS).kid,
    }.items():
        yield f"kid is {name}", signed(head | {"kid": kid}, body)
    yield "jku", signed(head | {"jku": trap + "/jku"}, body)
    yield "jku of an unknown kid", signed(head | {"kid": "mine", "jku": trap + "/jku"}, body)
    yield "x5u", signed(head | {"kid": "mine", "x5u": trap + "/x5u"}, body)
    yield "x5c", signed(head | {"x5c": [base64.b64encode(b"certificate").decode()]}, body)
    yield "jwk in the header", signed(head | {"jwk": jwk, "kid": "mine"}, body)
    yield "issuer of the attacker", signed(head | {"kid": "mine"}, body | {"iss": trap})
    yield "hmac with the key set", hmac_signed(head, body, json.dumps(jwk).encode())
    yield "hmac with nothing", hmac_signed(head, body, b"")


def part_forgeries(head: dict[str, Any], body: dict[str, Any], good: str) -> Iterator[tuple[str, str]]:
    parts = good.split(".")
    for alg in ("rs256", "RS256 ", "RS384", "PS256", "ES256", "EdDSA", "HS256", "None", "nOnE", "", FULL_WIDTH):
        yield f"alg is {alg!r}", signed(head | {"alg": alg}, body)
    for odd in (None, 0, True, ["RS256"], {"RS256": 1}):
        yield f"alg is {odd!r}", signed(head | {"alg": odd}, body)
    yield "two algs", signed(b'{"alg":"none","typ":"JWT","kid":"%s","alg":"none"}' % head["kid"].encode(), body)
    yield "two algs, none last", f"{segment(TWO_ALGS)}.{parts[1]}."
    yield "unencoded payload", signed(head | {"b64": False, "crit": ["b64"]}, body)
    yield "a token in a token", signed(head | {"cty": "JWT"}, json.dumps(good).encode())
    yield "compressed", signed(head | {"zip": "DEF"}, body)
    yield "encrypted", ".".join([*parts, "x", "y"])
    yield "two subjects", f"{parts[0]}.{segment(TWO_SUBJECTS + decoded(parts[1])[1:])}.{parts[2]}"
    yield "claims of another token", f"{parts[0]}.{segment(json.dumps(body | {'sub': 'user_2'}).encode())}.{parts[2]}"
    yield "signature with a line break", good[:-4] + "\n" + good[-4:]
    yield "signature cut short", good[:-10]
    yield "elliptic", elliptic(head | {"alg": "ES256"}, body)


def timely_forgeries(issuer: Issuer, party: str, claims: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A minute early, so that a busy machine doesn't make them good; the leeway is held to the second in test_clerk."""
    now = time.time()
    edges: dict[str, dict[str, Any]] = {
        "a moment late": {"exp": now - 6},
        "a moment early": {"nbf": now + 60},
        "issued in a moment": {"iat": now + 60},
        "never ends": {"exp": 10**400},
        "ends before all time": {"exp": -(10**18)},
        "ends as text": {"exp": "9999999999"},
        "ends as a list": {"exp": [9999999999]},
        "begins as nothing": {"nbf": None},
    }
    for name, times in edges.items():
        yield f"really signed, but {name}", issuer.token(azp=party, **claims | times)
    yield "really signed, half a character", issuer.token(azp=party, **claims | {"sub": "\ud800"})
    yield "really signed, for another page", issuer.token(azp=party + ".evil.example", **claims)
    yield "really signed, for no page we know", issuer.token(azp="null", **claims)


def number(value: int) -> str:
    return segment(value.to_bytes((value.bit_length() + 7) // 8))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def elliptic(header: dict[str, Any], claims: dict[str, Any]) -> str:
    signing_input = f"{segment(json.dumps(header).encode())}.{segment(json.dumps(claims).encode())}"
    key = ec.generate_private_key(ec.SECP256R1())
    return f"{signing_input}.{segment(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))}"


def hmac_signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signing_input = f"{segment(json.dumps(header | {'alg': 'HS256'}).encode())}.{segment(json.dumps(claims).encode())}"
    return f"{signing_input}.{segment(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


@pytest.mark.parametrize(("service", "method", "path", "issuer", "party"), GUARDED, ids=lambda one: str(one)[:20])
async def test_every_forged_token_is_a_401_and_no_address_in_one_is_fetched(
    there: Product, victim: EndUser, service: str, method: str, path: str, issuer: Issuer, party: str, counted: Counted
) -> None:
    claims: dict[str, Any] = {"platformId": victim.developer.platform_id, "sub": victim.user_id}
    async with set_up() as trap:
        taken = []
        kinds = dict(forgeries(issuer, party, claims, trap.url))
        for name, token in kinds.items():
            answer = await there.ask(service, method, path, headers=raw_bearer(token))
            if answer.status_code != 401 or set(answer.json()) != {"error", "message", "requestId"}:
                taken.append((name, answer.status_code, answer.text))
        assert taken == []
        assert trap.hits == 0
    good = await there.ask(service, method, path, headers=bearer(issuer.token(azp=party, **claims)))
    assert good.status_code != 401  # the forger had everything right but the forgery
    counted("attacks: forged tokens refused", len(kinds))


def raw_bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"Authorization", b"Bearer " + token.encode("utf-8", "surrogatepass").replace(b"\n", b" "))]


def stripe_signature(body: bytes, secret: str, at: float | None = None, scheme: str = "v1") -> str:
    stamp = int(time.time() if at is None else at)
    return f"t={stamp},{scheme}={hmac.new(secret.encode(), b'%d.' % stamp + body, 'sha256').hexdigest()}"


def event(**changed: Any) -> bytes:
    known = {"id": "evt_1", "object": "event", "type": "invoice.paid", "created": int(time.time()), "livemode": False}
    about = {"object": {"object": "invoice", "customer": "cus_1"}}
    return json.dumps(known | {"api_version": "2026-10-28.endive", "data": about} | changed).encode()


def webhook_forgeries(secret: str, other: str) -> Iterator[tuple[str, bytes, str | None]]:
    body, now = event(id="evt_forged"), time.time()
    good = stripe_signature(body, secret)
    yield "no signature", body, None
    yield "an empty one", body, ""
    yield "another secret's", body, stripe_signature(body, "whsec_guess")
    yield "the other endpoint's", body, stripe_signature(body, other)
    yield "no secret's", body, stripe_signature(body, "")
    yield "another body's", event(id="evt_2"), good
    yield "body with a blank more", body + b" ", good
    yield "too old", body, stripe_signature(body, secret, now - 301)
    yield "the old scheme's", body, stripe_signature(body, secret, scheme="v0")
    yield "of another time", body, good.replace("t=", "t=1")
    yield "without a time", body, good.partition(",")[2]
    yield "time is no number", body, "t=now," + good.partition(",")[2]
    yield "time is far too large", body, f"t={'9' * 400}," + good.partition(",")[2]
    yield "cut short", body, good[:-1]
    yield "in capitals", body, good.partition(",")[0] + ",v1=" + good.rpartition("=")[2].upper()
    yield "a thousand wrong ones", body, good.partition(",")[0] + ",v1=00" * 1000
    yield "no ASCII", body, "t=1,v1=é"
    yield "only commas", body, "," * 500


@pytest.mark.parametrize(
    ("service", "secret", "other"),
    [("platform_api", OWN_SECRET, CONNECT_SECRET), ("tenant_api", CONNECT_SECRET, OWN_SECRET)],
)
async def test_every_forged_webhook_is_a_400_that_changes_nothing(
    there: Product, service: str, secret: str, other: str, counted: Counted
) -> None:
    kinds = list(webhook_forgeries(secret, other))
    believed = []
    for name, body, signature in kinds:
        headers = [] if signature is None else [(b"Stripe-Signature", signature.encode())]
        answer = await there.ask(service, "POST", "/webhook/stripe", content=body, headers=headers)
        if answer.status_code != 400:
            believed.append((name, answer.status_code, answer.text))
    assert believed == []
    usage = there.prefix + ("platform-usage" if service == "platform_api" else "tenant-usage")
    assert await there.dynamo.query(usage, "webhook:stripe:evt_forged") == []
    counted("attacks: forged webhooks refused", len(kinds))


ODD_EVENTS: tuple[bytes, ...] = (
    *(b"", b"null", b"[]", b"{}", b'"x"', b"{", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 20_000, b"1e999"),
    *(event(id=None), event(id=5), event(id=""), event(id="x" * 5000), event(id="\ud800")),
    *(event(type=None), event(type=[]), event(data=None), event(data={}), event(data={"object": None})),
    *(event(data={"object": []}), event(data={"object": {"object": "invoice", "customer": {"id": 5}}})),
    *(event(data={"object": {"object": "invoice", "customer": ["cus_1"]}}), event(created="now"), event(created=None)),
    *(event(created=10**400), event(livemode="no"), event(livemode=None), event(account=5), event(account="acct_x")),
    *(event(data={"object": {"object": "invoice", "metadata": "x"}}), event(object="v2.core.event")),
    *(event(data={"object": {"object": "invoice", "parent": "x"}}), event(data={"object": {"metadata": [1]}})),
    event(account="acct_" + "x" * 3000),
)


@pytest.mark.parametrize(("service", "secret"), [("platform_api", OWN_SECRET), ("tenant_api", CONNECT_SECRET)])
async def test_an_odd_event_that_is_really_signed_is_no_failure_of_ours(
    there: Product, victim: EndUser, service: str, secret: str, counted: Counted
) -> None:
    failed = []
    from_victim = [event(account=victim.developer.account, data={"object": odd}) for odd in ODD_OBJECTS]
    for body in (*ODD_EVENTS, *from_victim):
        headers = {"Stripe-Signature": stripe_signature(body, secret)}
        answer = await there.ask(service, "POST", "/webhook/stripe", content=body, headers=headers)
        if answer.status_code not in {200, 400}:
            failed.append((body[:200], answer.status_code, answer.text))
    assert failed == []
    counted("attacks: odd but signed webhooks without a 5xx", len(ODD_EVENTS) + len(from_victim))


ODD_OBJECTS: tuple[Any, ...] = (
    *(None, [], "x", 5, {}, {"object": None}, {"object": "customer", "id": 5}, {"object": "customer", "id": "\ud800"}),
    *({"object": "invoice", "customer": "x" * 3000}, {"object": "invoice", "customer": ""}),
    *({"object": "invoice", "metadata": "x"}, {"object": "invoice", "metadata": {"platformId": ["x"]}}),
    *({"object": "invoice", "parent": "x"}, {"object": "invoice", "parent": {"subscription_details": "x"}}),
    {"object": "invoice", "parent": {"subscription_details": {"metadata": 5}}},
)
