"""The gateway to Stripe: what it sends, made once a key, on the account it names; and which events it believes."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import stripe

from shared.adapters.stripe_gateway import Checkout, CustomerGone, StripeGateway
from shared.domain.errors import BadRequest, Unavailable
from shared.settings import StripeKeys
from tests.infra.stripe.sandbox import GOOD, KEY, Sandbox, connected, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = "whsec_new,whsec_old"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "created": 1_795_000_000,
    "livemode": False,
    "data": {"object": {"object": "invoice", "customer": "cus_1"}},
}


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[StripeGateway]:
    keys = {"secret_key": KEY, "webhook_secret": SECRETS, "api_url": url, "connect_url": url}
    gateway = StripeGateway(StripeKeys.model_validate(keys))
    yield gateway
    await gateway.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(sandbox: Sandbox) -> AsyncIterator[StripeGateway]:
    async with opened(sandbox.url) as made:
        yield made


def wanted(customer_id: str, price_id: str, **changed: Any) -> Checkout:
    given: dict[str, Any] = {
        "customer_id": customer_id,
        "price_id": price_id,
        "client_reference_id": "user_1",
        "metadata": {"userId": "user_1"},
        "success_url": "https://platform.example.com/ok",
        "cancel_url": "https://platform.example.com/no",
    }
    return Checkout(**given | changed)


def signed(event: Any, secret: str = "whsec_new", age: int = 0) -> tuple[bytes, str]:
    raw = json.dumps(event)
    return raw.encode(), stripe.WebhookSignature.generate_signature_header(raw, secret, int(time.time()) - age)


async def test_a_wish_under_one_key_makes_one_thing(sandbox: Sandbox, gateway: StripeGateway) -> None:
    own, price = gateway.own(), await sandbox.price()
    made = [own.create_customer(email="a@example.com", metadata={"userId": "user_1"}, key="customer") for _ in "ab"]
    first, second = [await one for one in made]
    assert first == second
    address = await own.checkout(wanted(first, price.id), key="checkout")
    assert await own.checkout(wanted(first, price.id), key="checkout") == address
    elsewhere = wanted(first, price.id, success_url="https://other.example.com/ok")
    assert await own.checkout(elsewhere, key="checkout") != address


async def test_a_checkout_carries_what_it_is_given_on_the_session_and_the_subscription(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    account = await connected(sandbox)
    price = await sandbox.price(account=account)
    theirs = gateway.connected(account)
    customer = await theirs.create_customer(email=None, metadata={}, key="customer:fee")
    address = await theirs.checkout(
        wanted(customer, price.id, trial_days=14, application_fee_percent=2.5), key="checkout:fee"
    )
    await sandbox.browser.post(address, data={"card": GOOD})
    (bought,) = await theirs.subscriptions(customer)
    assert (bought.status, bought.price_id, bought.customer_id) == ("trialing", price.id, customer)
    kept = await sandbox.subscription(bought.id, account)
    assert (kept.application_fee_percent, kept.metadata["userId"]) == (2.5, "user_1")
    assert await gateway.own().subscriptions(customer) == []


async def test_every_request_for_a_developer_names_their_account(sandbox: Sandbox, gateway: StripeGateway) -> None:
    account = await connected(sandbox, "acct_named")
    theirs, price = gateway.connected(account), await sandbox.price(account=account)
    before = (await sandbox.look("requests"))["requests"][-1]["seq"]
    customer = await theirs.create_customer(email=None, metadata={}, key="customer:named")
    await theirs.checkout(wanted(customer, price.id), key="checkout:named")
    product = {"product": price.product, "prices": [price.id]}
    configuration = await theirs.create_portal_configuration([product], key="portal:named")
    await theirs.portal(customer, "https://platform.example.com/", configuration)
    await theirs.subscriptions(customer)
    sent = (await sandbox.look("requests", since=before))["requests"]
    assert [one["account"] for one in sent] == [account] * 5


@pytest.mark.parametrize("name", ["", "own", "acct_", "plt_1", "acct_1\r\n"])
async def test_a_developers_account_cannot_be_left_out(gateway: StripeGateway, name: str) -> None:
    with pytest.raises(ValueError, match="acct_"):
        gateway.connected(name)


async def test_a_cancelled_subscription_stays_so_and_cancelling_again_is_nothing(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    own, price = gateway.own(), await sandbox.price()
    customer = await own.create_customer(email=None, metadata={}, key="customer:cancel")
    bought = await sandbox.subscribed(price.id, customer=customer)
    for _ in range(2):
        await own.cancel(bought.id)
    await own.cancel("sub_of_nobody")
    assert [one.status for one in await own.subscriptions(customer)] == ["canceled"]


async def test_the_end_that_is_asked_for_is_seen(sandbox: Sandbox, gateway: StripeGateway) -> None:
    own, price = gateway.own(), await sandbox.price()
    customer = await own.create_customer(email=None, metadata={}, key="customer:end")
    bought = await sandbox.subscribed(price.id, customer=customer)
    assert (await own.subscriptions(customer))[0].cancel_at is None
    await sandbox.ask.subscriptions.update_async(bought.id, {"cancel_at_period_end": True})
    (ending,) = await own.subscriptions(customer)
    assert ending.cancel_at == ending.period_end


async def test_a_customer_who_is_gone_is_told_apart(sandbox: Sandbox, gateway: StripeGateway) -> None:
    own, price = gateway.own(), await sandbox.price()
    customer = await own.create_customer(email=None, metadata={}, key="customer:gone")
    await sandbox.ask.customers.delete_async(customer)
    with pytest.raises(CustomerGone):
        await own.checkout(wanted(customer, price.id), key="checkout:gone")
    with pytest.raises(CustomerGone):
        await own.portal(customer, "https://platform.example.com/")
    assert await own.subscriptions("cus_never_was") == []


@pytest.mark.parametrize(("fault", "times"), [(429, 1), (500, 3), (503, 3)])
async def test_what_stripe_fails_at_is_unavailable(
    sandbox: Sandbox, gateway: StripeGateway, fault: int, times: int
) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/", "status": fault, "times": times}])
    with pytest.raises(Unavailable):
        await gateway.own().subscriptions("cus_1")
    assert (await sandbox.look("faults"))["left"] == 0


async def test_a_stripe_that_goes_silent_is_unavailable(sandbox: Sandbox, gateway: StripeGateway) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/", "status": "timeout", "seconds": 0.2, "times": 3}])
    with pytest.raises(Unavailable):
        await gateway.own().subscriptions("cus_1")
    assert (await sandbox.look("faults"))["left"] == 0


async def test_a_lost_answer_is_asked_for_again_and_makes_nothing_twice(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/customers", "status": "lost_answer"}])
    customer = await gateway.own().create_customer(email="lost@example.com", metadata={}, key="customer:lost")
    (found,) = (await sandbox.ask.customers.list_async({"email": "lost@example.com"})).data
    assert found.id == customer


async def test_a_key_that_is_refused_is_no_passing_trouble(sandbox: Sandbox, gateway: StripeGateway) -> None:
    await sandbox.control("faults", next=[{"path": "/v1/", "status": 401}])
    with pytest.raises(stripe.StripeError):
        await gateway.own().subscriptions("cus_1")


async def test_a_stripe_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with opened(url) as gateway, asyncio.timeout(8):
            with pytest.raises(Unavailable):
                await gateway.own().subscriptions("cus_1")


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
async def test_believes_what_any_of_its_secrets_signed(gateway: StripeGateway, secret: str) -> None:
    event = gateway.verified(*signed(EVENT | {"account": "acct_1"}, secret))
    assert (event.id, event.type, event.account, event.livemode) == ("evt_1", "invoice.paid", "acct_1", False)
    assert event.object["customer"] == "cus_1"


NOT_BELIEVED: dict[str, Callable[[], tuple[bytes, str]]] = {
    "other secret": lambda: signed(EVENT, "whsec_other"),
    "too old": lambda: signed(EVENT, age=301),
    "a list": lambda: signed([]),
    "no event": lambda: signed({"id": "evt_1"}),
    "another kind of event": lambda: signed({"object": "v2.core.event", "id": "evt_1", "type": "v1.invoice.paid"}),
    "changed body": lambda: (signed(EVENT)[0] + b" ", signed(EVENT)[1]),
    "no text": lambda: (b"\xff", "t=1,v1=0"),
    "no header": lambda: (signed(EVENT)[0], ""),
    "empty header": lambda: (signed(EVENT)[0], "t=,v1="),
}


@pytest.mark.parametrize("case", NOT_BELIEVED)
async def test_believes_nothing_else(gateway: StripeGateway, case: str) -> None:
    raw, header = NOT_BELIEVED[case]()  # signed now: an old one would be refused for its age alone
    with pytest.raises(BadRequest):
        gateway.verified(raw, header)
    with pytest.raises(BadRequest):
        gateway.verified(raw, None)
