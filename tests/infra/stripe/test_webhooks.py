"""Webhooks: signed, to the right endpoint, again until taken, and through every weather."""

from tests.infra.stripe.sandbox import Sandbox, connected, received, settled

STORY = ["customer.subscription.created", "invoice.paid", "customer.subscription.updated", "checkout.session.completed"]


async def bought(sandbox: Sandbox, account: str | None = None) -> None:
    await sandbox.subscribed((await sandbox.price(account=account)).id, account)


async def test_each_endpoint_gets_its_own_events_signed_and_in_order() -> None:
    async with received() as (sandbox, own, connect):
        await bought(sandbox)
        account = await connected(sandbox)
        await bought(sandbox, account)
        await settled(sandbox)
        assert own.types == STORY
        assert connect.types == STORY
        assert {"account" in event for event in own.events} == {False}
        assert {event.account for event in connect.events} == {account}
        assert {event.api_version for event in own.events} == {"2026-10-28.endive"}
        assert not any(event.livemode for event in own.events)
        listed = await sandbox.ask.events.retrieve_async(own.events[0].id)
        assert (listed.type, listed.pending_webhooks) == (STORY[0], 0)


async def test_a_refused_delivery_comes_again_until_it_is_taken() -> None:
    async with received() as (sandbox, own, _connect):
        own.answers = [500, 400, 302]
        await bought(sandbox)
        missed = await sandbox.ask.events.list_async({"delivery_success": False})
        assert len(missed.data) >= 1
        await settled(sandbox)
        assert sorted(own.types) == sorted(STORY)
        tried = (await sandbox.look("deliveries"))["deliveries"]
        assert sum(one["attempts"] for one in tried) == 7
        assert (await sandbox.ask.events.list_async({"delivery_success": False})).data == []


async def test_duplicates_arrive_twice() -> None:
    async with received() as (sandbox, own, _connect):
        await sandbox.control("weather", duplicate=1.0, seed=1)
        await bought(sandbox)
        await settled(sandbox)
        assert sorted(own.types) == sorted(STORY * 2)
        assert len({event.id for event in own.events}) == 4


async def test_what_is_dropped_never_arrives_but_can_be_listed() -> None:
    async with received() as (sandbox, own, _connect):
        await sandbox.control("weather", drop=1.0)
        await bought(sandbox)
        await settled(sandbox)
        assert own.types == []
        missed = await sandbox.ask.events.list_async({"delivery_success": False, "types": STORY})
        assert sorted(event.type for event in missed.data) == sorted(STORY)


async def test_reordered_and_delayed_events_all_arrive() -> None:
    async with received() as (sandbox, own, _connect):
        await sandbox.control("weather", reorder=True, delay=[0, 0.1], seed=3)
        for _ in range(3):
            await bought(sandbox)
        await settled(sandbox)
        assert sorted(own.types) == sorted(STORY * 3)
        assert own.types != STORY * 3


async def test_held_events_are_released_in_any_order_or_discarded() -> None:
    async with received() as (sandbox, own, _connect):
        await sandbox.control("weather", hold=True)
        await bought(sandbox)
        held = (await sandbox.look("deliveries", state="held"))["deliveries"]
        assert ([one["type"] for one in held], own.types) == (STORY, [])
        order = [held[at]["event"] for at in (3, 0, 2)]
        assert await sandbox.control("release", events=order) == {"released": 3, "statuses": [200, 200, 200]}
        assert own.types == [STORY[3], STORY[0], STORY[2]]
        assert await sandbox.control("discard") == {"discarded": 1}
        assert (await sandbox.look("deliveries"))["counts"] == {"delivered": 3, "dropped": 1}


async def test_an_event_is_delivered_again_as_often_as_asked() -> None:
    async with received() as (sandbox, own, _connect):
        await bought(sandbox)
        await settled(sandbox)
        event = own.events[0].id
        answer = await sandbox.control("redeliver", event=event, times=50, concurrently=True)
        assert answer["statuses"] == [200] * 50
        assert [one.id for one in own.events].count(event) == 51


async def test_any_event_can_be_invented() -> None:
    async with received() as (sandbox, own, _connect):
        await sandbox.control("emit", type="charge.refunded", object={"id": "ch_1", "object": "charge"})
        await sandbox.control("emit", type="something.new", object={"id": "x_1", "object": "thing"})
        await settled(sandbox)
        assert own.types == ["charge.refunded", "something.new"]


async def test_an_order_that_can_not_be_is_refused(sandbox: Sandbox) -> None:
    for name, given in (
        ("weather", {"rain": 1}),
        ("weather", {"drop": 2}),
        ("faults", {"next": [{"path": "/v1"}]}),
        ("faults", {"next": [{"status": "odd"}]}),
        ("advance", {"seconds": -1}),
        ("dunning", {"final": "odd"}),
        ("disconnect", {"account": "acct_none"}),
        ("redeliver", {"event": "evt_none"}),
    ):
        answer = await sandbox.browser.post(f"/_sandbox/{name}", json=given)
        assert (answer.status_code, "error" in answer.json()) == (400, True), name
