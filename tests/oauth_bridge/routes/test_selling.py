"""Tiers with a price over HTTP: two developers at once, accounts that are not theirs, and what Stripe refuses."""

import asyncio

from tests.infra.stripe.sandbox import of
from tests.oauth_bridge.world import Person, World, priced


async def test_two_developers_at_once_never_meet(town: World) -> None:
    anna, bert = await town.person(), await town.person()
    accounts = [await anna.connect(), await bert.connect()]

    async def several(person: Person, start: int) -> None:
        for amount in range(start, start + 3):
            state = await person.publish(priced("pro", amount))
            assert [tier["price"]["amount"] for tier in state["published"]["tiers"]] == [amount]

    await asyncio.gather(several(anna, 1000), several(bert, 5000))
    for person, account, amount in ((anna, accounts[0], 1002), (bert, accounts[1], 5002)):
        shown = (await person.ask("GET", "/tiers")).json()
        assert shown["published"]["version"] == 3
        assert [one["unit_amount"] for one in await town.prices(account, active=True)] == [amount]
        products = (await town.stripe.ask.products.list_async(None, of(account))).data
        assert [one.id for one in products] == [f"{person.platform_id}_pro"]
        history = (await person.ask("GET", "/tiers/history")).json()["versions"]
        assert {one["publishedBy"] for one in history} == {person.user_id}


async def test_nobody_publishes_to_an_account_they_did_not_connect(town: World) -> None:
    anna, bert = await town.person(), await town.person()
    account = await anna.connect()
    await bert.ask("PUT", "/tiers", {"tiers": [priced("pro", 1900)]})
    answer = await bert.ask("POST", "/tiers/publish")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_connected")
    assert answer.json()["tiers"] == ["pro"]
    await bert.agree(await bert.leave("stripe"), account=account)  # agreed, but never came back
    assert (await bert.ask("POST", "/tiers/publish")).status_code == 409
    assert await town.prices(account) == []
    assert (await bert.ask("GET", "/tiers")).json()["published"]["version"] == 0


async def test_an_account_that_has_left_at_stripe_is_told_and_nothing_is_published(town: World) -> None:
    anna = await town.person()
    account = await anna.connect()
    await town.stripe.control("disconnect", account=account)  # and its event has not come
    await anna.ask("PUT", "/tiers", {"tiers": [priced("pro", 1900)]})
    answer = await anna.ask("POST", "/tiers/publish")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_connected")
    assert (await anna.ask("GET", "/tiers")).json()["published"]["version"] == 0


async def test_what_stripe_refuses_is_told_in_its_words_and_nothing_is_published(town: World) -> None:
    anna = await town.person()
    await anna.connect()
    await anna.ask("PUT", "/tiers", {"tiers": [priced("pro", 1900)]})
    await town.stripe.control("faults", next=[{"status": 400, "path": "/v1/prices", "method": "POST"}])
    answer = await anna.ask("POST", "/tiers/publish")
    assert (answer.status_code, answer.json()["reason"]) == (409, "stripe_refused")
    assert (await anna.ask("GET", "/tiers")).json()["published"]["version"] == 0
    assert (await anna.ask("POST", "/tiers/publish")).status_code == 200


async def test_an_account_connected_later_gets_prices_of_its_own_by_publishing_again(town: World) -> None:
    anna = await town.person()
    first = await anna.connect()
    state = await anna.publish(priced("pro", 1900))
    await anna.ask("POST", "/stripe/disconnect")
    assert (await anna.ask("POST", "/tiers/publish")).status_code == 409
    second = await anna.connect()
    assert second != first
    again = await anna.publish(priced("pro", 1900))
    assert (state["published"]["version"], again["published"]["version"]) == (1, 2)
    assert [one["unit_amount"] for one in await town.prices(second, active=True)] == [1900]


async def test_going_back_to_tiers_with_a_price_needs_the_account_and_leaves_the_draft_without(town: World) -> None:
    anna = await town.person()
    await anna.connect()
    await anna.publish(priced("pro", 1900))
    free = await anna.publish(priced("free", 0))
    await anna.ask("POST", "/stripe/disconnect")
    answer = await anna.ask("POST", "/tiers/rollback", {"version": 1})
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_connected")
    assert (await anna.ask("GET", "/tiers")).json() == free
