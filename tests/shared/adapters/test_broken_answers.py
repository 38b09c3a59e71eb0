"""Whatever happens on the wire to the store, Clerk or Stripe, a caller is told that it is unavailable: never a 500."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import pytest
from pydantic import SecretStr

from infra.sandbox.clerk_state import ClerkState
from shared.adapters.clerk import ClerkUsers, KeySet, clerk_http
from shared.adapters.dynamodb import Dynamo, NotApplied, OutcomeUnknown, put, update
from shared.adapters.stripe_gateway import StripeGateway
from shared.domain.errors import Unavailable
from shared.settings import StripeKeys
from tests.conftest import REGION
from tests.fault_proxy import Broken, between
from tests.infra.stripe.sandbox import CONNECT_SECRET, KEY, running
from tests.serving import serving
from tests.tokens import Issuer
from tests.trust.product import CLERK_KEY, clerk_app

OWN = Issuer("ins_broken")
# How often each call is sent again by a client of its own accord.
ATTEMPTS = 4


@pytest.mark.store
@pytest.mark.parametrize("fault", Broken)
async def test_the_store(endpoint: str, prefix: str, fault: Broken) -> None:
    """A write that is said to be done is there, and one that is said not to be is not: put, update, transaction."""
    table, value = prefix + "tenant-tokens", {"value": token_hex(4)}
    async with between(endpoint) as proxy:
        dynamo = Dynamo(region=REGION, endpoint=proxy.url)
        keys: list[dict[str, str]] = [{"pk": one, "sk": "b"} for one in ("put", "update", "transaction")]
        writes: list[Callable[[], Awaitable[object]]] = [
            lambda: dynamo.write(put(table, keys[0] | value)),
            lambda: dynamo.write(update(table, keys[1], "SET #v = :v", names={"#v": "value"}, values={":v": "x"})),
            lambda: dynamo.transact([put(table, keys[2] | value)]),
        ]
        for key, write in zip(keys, writes, strict=True):
            told: bool | None = None
            proxy.faults.append(fault)
            try:
                await write()
                told = True
            except NotApplied:
                told = False
            except OutcomeUnknown:
                pass
            await proxy.settle()
            stored = await dynamo.get(table, key) is not None
            assert told in {stored, None}, key
        proxy.faults.extend([fault] * ATTEMPTS)
        with suppress(Unavailable):
            await dynamo.get(table, key)
        await proxy.settle()
        await dynamo.close()


@pytest.mark.parametrize("fault", Broken)
async def test_clerk(fault: Broken, tmp_path: Path) -> None:
    state = ClerkState(tmp_path / "clerk.json")
    user = state.create_user("a@example.com")["id"]
    async with serving(clerk_app(OWN, state)) as url, between(url) as proxy, clerk_http() as http:
        app = OWN.clerk_app(proxy.url).model_copy(update={"secret_key": SecretStr(CLERK_KEY)})
        users, told = ClerkUsers(app, http), []
        for _ in range(2):
            proxy.faults.append(fault)
            try:
                await users.merge_public_metadata(user, {"plan": "paid"})
                told.append("done")
                await users.user(user)
            except Unavailable as error:
                told.append(error.code)
            await proxy.settle()
        assert len(told) >= 2
        assert (await users.merge_public_metadata(user, {"plan": "pro"}))["public_metadata"] == {"plan": "pro"}


@pytest.mark.parametrize("fault", Broken)
async def test_clerks_key_set(fault: Broken) -> None:
    async with serving(OWN.app) as url, between(url) as proxy, clerk_http() as http:
        proxy.faults.append(fault)
        key_set = KeySet(proxy.url + "/.well-known/jwks.json", http)
        if fault in {Broken.SLOW, Broken.TWICE}:
            assert await key_set.key(OWN.kid)
        else:
            with pytest.raises(Unavailable):
                await key_set.key(OWN.kid)
        await key_set.close()


@pytest.mark.parametrize("fault", Broken)
async def test_stripe(fault: Broken) -> None:
    async with running() as stripe, between(stripe.url) as proxy:
        addresses = {"api_url": proxy.url, "connect_url": proxy.url}
        given = {"secret_key": KEY, "webhook_secret": CONNECT_SECRET, **addresses}
        gateway = StripeGateway(StripeKeys.model_validate(given))
        account = gateway.own()
        proxy.faults.extend([fault] * ATTEMPTS)
        with suppress(Unavailable):
            customer = await account.create_customer(email=None, metadata={"userId": "a"}, key="once")
            assert customer.startswith("cus_")
        await proxy.settle()
        customer = await account.create_customer(email=None, metadata={"userId": "a"}, key="once")
        proxy.faults.append(fault)
        with suppress(Unavailable):
            assert await account.subscriptions(customer) == []
        await proxy.settle()
        await gateway.close()
