"""Nothing secret is ever written: every route is used, well and badly, with texts that are then looked for in all that
the services logged and in every error they answered. And a guessed key costs us the same as any other.
"""

import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from secrets import token_hex

import pytest

from shared.adapters.dynamodb import put
from shared.domain import keys
from shared.records import tenant_config
from shared.records.tenant_config import ApiKey
from shared.web.lines import JsonLines
from tenant_api import app
from tests.faults import FaultyStore
from tests.infra.stripe.sandbox import CONNECT_SECRET, OWN_SECRET
from tests.serving import serving
from tests.tenant_api.service import settings_for
from tests.trust.conftest import Counted
from tests.trust.people import Developer, EndUser, bearer, end_users_token
from tests.trust.product import DEVELOPERS, END_USERS, PLATFORM_PAGES, Product
from tests.trust.registry import ROUTES
from tests.trust.test_forgeries import event, stripe_signature

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextmanager
def written() -> Iterator[io.StringIO]:
    """Everything that the services log, at the levels and in the form that an operator gets."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("dream_api", "uvicorn.error")]
    before = [logger.level for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.INFO)
    try:
        yield text
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


async def test_no_secret_is_in_any_log_line_or_error(
    there: Product, attacker: Developer, rival: Developer, victim: EndUser, counted: Counted
) -> None:
    canary = "canary" + token_hex(8)
    expired = DEVELOPERS.token("user_1", azp=PLATFORM_PAGES, exp=int(time.time()) - 60)
    foreign = end_users_token(canary, attacker.platform_id)
    given = [attacker.key, attacker.old_key, rival.token(), victim.token(), expired, foreign, canary]
    errors: list[str] = []
    with written() as log:
        for route in ROUTES:
            for credential in given:
                sent = route.about(attacker.platform_id, "user_log")
                marked = {"Cookie": canary, "X-Secret": canary, "Stripe-Signature": canary, "Referer": canary}
                sent["headers"] |= bearer(credential) | marked | {"Idempotency-Key": canary}
                sent["params"] = dict(sent.get("params", {})) | {"code": canary, "state": canary, "token": canary}
                if route.method != "GET":
                    sent["json"] = {"email": canary, canary: canary}
                answer = await there.ask(**sent)
                if answer.status_code >= 400:
                    errors.append(answer.text)
        for service, secret in (("platform_api", OWN_SECRET), ("tenant_api", CONNECT_SECRET)):
            body = event(id=f"evt_{token_hex(6)}", data={"object": {"object": "invoice", "email": canary}})
            headers = {"Stripe-Signature": stripe_signature(body, secret)}
            await there.ask(service, "POST", "/webhook/stripe", content=body, headers=headers)
    secret_texts = [one.rpartition(".")[2] for one in given[:-2]] + [canary, *there.secrets]
    lines = log.getvalue().splitlines()
    assert len(lines) >= len(ROUTES) * len(given)
    assert [line for line in lines if any(text in line.replace(f'"{canary}"', "") for text in secret_texts)] == []
    assert [error for error in errors if any(secret in error for secret in there.secrets)] == []
    assert [line for line in lines if "Traceback" in line] == []
    counted("secrets: log lines without one", len(lines))


async def test_no_caller_forges_a_line_or_a_field_of_the_log(
    there: Product, attacker: Developer, counted: Counted
) -> None:
    forged = '{"event": "forged", "status": 200}'
    tricks = [f"a\u2028{forged}", f"a\u0085{forged}", f'a", "status": 299, "x": "{forged}', "\u202egnol", "a" * 250]
    with written() as log:
        for trick in tricks:
            headers = bearer(attacker.key) | {"X-User-Id": "x"}
            raw = [(name.encode(), value.encode()) for name, value in headers.items() if name != "X-User-Id"]
            raw += [(b"X-User-Id", trick.encode()), (b"X-Request-Id", b"by-forger")]
            for name, path in (("tenant_api", "/api/usage"), ("tenant_api", f"/api/{trick}")):
                await there.ask(name, "GET", path, headers=raw)
    every = [json.loads(line) for line in log.getvalue().splitlines()]
    lines = [line for line in every if line.get("requestId") == "by-forger"]
    assert len(lines) == len(tricks) * 2
    assert {line["event"] for line in lines} == {"request"}
    assert {line["status"] for line in lines} <= {200, 400, 404}
    assert all(line.isascii() for line in log.getvalue().splitlines())
    counted("attacks: forged log lines, none written", len(tricks) * 2)


async def test_guessing_keys_costs_the_same_whatever_the_guess_would_have_opened(
    endpoint: str, there: Product, attacker: Developer, counted: Counted
) -> None:
    """A key never made, one revoked, one whose overlap is over: one look-up each, and one answer."""
    store = FaultyStore(endpoint)
    async with serving(store.app) as behind:
        clerk = copy(END_USERS).clerk_app("http://127.0.0.1:9")
        settings = settings_for(clerk, behind, there.prefix)
        ended, guesses = keys.api_key(bytes(31) + b"\x01"), {}
        item = tenant_config.api_key_key(keys.key_hash(ended)) | ApiKey(attacker.platform_id, 1).to_item()
        await there.dynamo.write(put(there.prefix + "tenant-tokens", item))
        async with serving(app.build(settings)) as url:
            for guess in (keys.api_key(bytes(32)), attacker.old_key, ended):
                store.requests.clear()
                answer = await there.http.get(url + "/api/usage", headers=bearer(guess) | {"X-User-Id": "a"})
                body = answer.json()
                body.pop("requestId")
                guesses[guess] = (answer.status_code, body, sorted(answer.headers), dict(store.requests))
    told = list(guesses.values())
    assert told[0] == told[1] == told[2]
    assert (told[0][0], told[0][3]) == (401, {"GetItem": 1})
    counted("attacks: guessed keys that cost and say the same", len(guesses))
