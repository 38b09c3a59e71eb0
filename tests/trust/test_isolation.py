"""Nobody reaches what is not theirs: every route with every wrong credential, generated from the apps' route tables.

A wrong credential is refused. One that is good for its own things gets those and nothing of the victim's, and no answer
differs between what is the victim's and what does not exist.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes, token_hex
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.domain import keys
from tests.trust.conftest import Counted
from tests.trust.people import Developer, EndUser, bearer, belongings, developers_token, end_users_token
from tests.trust.product import Product
from tests.trust.registry import REGISTRY, ROUTES, TABLE, Asked, Door

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPIRED = -60.0
OPEN_TO_ALL = frozenset({Door.PUBLIC, Door.PERSON})


# Every wrong credential, and the doors behind which it has things of its own.
WRONG: dict[str, frozenset[Door]] = {
    "no credential": frozenset(),
    "another platform's key": frozenset({Door.END_USER, Door.PLATFORM}),
    "a key that is none": frozenset(),
    "a revoked key": frozenset(),
    "another developer's token": frozenset({Door.DEVELOPER}),
    "a developer's token, expired": frozenset(),
    "a token of the other app for the developer's id": frozenset({Door.END_USER, Door.PERSON}),
    "a token of the other app for the end-user's id": frozenset({Door.DEVELOPER}),
    "another end-user's token, of the same platform": frozenset({Door.END_USER, Door.PERSON}),
    "the same end-user's token, of another platform": frozenset({Door.END_USER, Door.PERSON}),
    "an end-user's token, expired": frozenset(),
}


def credential(wrong: str, victim: EndUser, attacker: Developer, rival: Developer) -> str | None:
    developer = victim.developer
    made: dict[str, Callable[[], str | None]] = {
        "no credential": lambda: None,
        "another platform's key": lambda: attacker.key,
        "a key that is none": lambda: keys.api_key(token_bytes(keys.RANDOM_BYTES)),
        "a revoked key": lambda: developer.old_key,
        "another developer's token": rival.token,
        "a developer's token, expired": lambda: developer.token(EXPIRED),
        "a token of the other app for the developer's id": lambda: end_users_token(
            developer.user_id, developer.platform_id
        ),
        "a token of the other app for the end-user's id": lambda: developers_token(
            victim.user_id, platformId=developer.platform_id
        ),
        "another end-user's token, of the same platform": lambda: end_users_token(
            f"user_{token_hex(6)}", developer.platform_id
        ),
        "the same end-user's token, of another platform": lambda: end_users_token(victim.user_id, attacker.platform_id),
        "an end-user's token, expired": lambda: victim.token(EXPIRED),
    }
    return made[wrong]()


LISTS = {"/api/developer/customers", "/api/developer/customer"}
REFUSED = {
    Door.DEVELOPER: 401,
    Door.END_USER: 401,
    Door.PLATFORM: 401,
    Door.PERSON: 401,
    Door.SIGNED: 400,
    Door.SCANNER: 401,
    Door.HANDSHAKE: 303,
}


@dataclass(frozen=True)
class Attackers:
    """`attacker` has a key, `rival` a token, and `shopper` a key and customers who are called as the victim is."""

    attacker: Developer
    rival: Developer
    shopper: Developer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def attackers(attacker: Developer, rival: Developer, shopper: Developer) -> Attackers:
    return Attackers(attacker, rival, shopper)


async def test_every_route_has_its_entry_in_the_registry() -> None:
    assert [row for row in TABLE if row not in REGISTRY] == []


async def test_every_service_has_routes_that_ask_for_something() -> None:
    guarded = {one.service for one in ROUTES if one.entry.door is not Door.PUBLIC}
    assert guarded == {"platform_api", "tenant_api", "oauth_bridge"}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_no_wrong_credential_opens_anything_of_the_victim(
    there: Product, victim: EndUser, attackers: Attackers, route: Asked, counted: Counted
) -> None:
    before = await belongings(there, victim)
    attacker = attackers.shopper if route.route == "/api/create-checkout" else attackers.attacker
    for wrong, opens in WRONG.items():
        given, nobody = credential(wrong, victim, attacker, attackers.rival), f"user_{token_hex(6)}"
        if given is not None and given.startswith(keys.PREFIX) and route.route in LISTS:
            for user in (victim.user_id, nobody):  # both are the asker's own customers too, or neither
                await there.ask("tenant_api", "POST", "/api/data", headers=bearer(given) | {"X-User-Id": user})
        about_victim = await sent(there, route, given, victim.developer.platform_id, victim.user_id)
        about_nobody = await sent(there, route, given, "plt_" + token_hex(16), nobody)
        door = route.entry.door
        if door in REFUSED and door not in opens:
            assert about_victim.status_code == REFUSED[door], (wrong, about_victim.text)
        assert about_victim.status_code < 500, (wrong, about_victim.text)
        shown = about_victim.text + str(about_victim.headers)
        assert [text for text in victim.canaries if text in shown and text != given] == [], wrong
        if door not in OPEN_TO_ALL:
            ids = (victim.user_id, victim.developer.user_id, nobody)
            assert same(about_victim, ids) == same(about_nobody, ids), wrong
    assert await belongings(there, victim) == before
    counted("isolation: routes times wrong credentials, each refused or kept to its own", len(WRONG))


async def sent(there: Product, route: Asked, credential: str | None, platform: str, user: str) -> httpx2.Response:
    """The route about somebody. Where a token says who calls, the header that names a user is left out."""
    arguments: dict[str, Any] = route.about(platform, user)
    headers = arguments["headers"]
    if credential is not None:
        if not credential.startswith(keys.PREFIX):
            headers.pop("X-User-Id", None)
        headers |= bearer(credential)
    return await there.ask(**arguments)


def same(answer: httpx2.Response, ids: tuple[str, ...]) -> tuple[int, str, list[str]]:
    """What of an answer must not depend on whom it is about: ids, instants and counts of the asker's own left out."""
    text = answer.text
    for one in ids:
        text = text.replace(one, "…")
    # A preview link's signature is another with each second; the platform in it stays to be compared.
    text = re.sub(r"(state|code_challenge)=[\w-]+|(?<=/preview/)(plt_\w+)\.[\w.-]+", r"…\2", text)
    text = re.sub(r"(req|cs_test|cus|bps)_\w+|evt_[^\"]+|\d{4}-\d\d-\d\dT[\d:.]+Z", "…", text)
    text = re.sub(r"pk_live_\w+|\d+", "#", text)
    return answer.status_code, text, sorted(set(answer.headers) - {"ratelimit", "idempotent-replayed"})
