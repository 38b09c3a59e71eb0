import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from platform_api import app
from platform_api.credentials import Credentials
from platform_api.repositories.credentials import CredentialRepository
from platform_api.sealing import Seal, Unopenable
from platform_api.settings import Settings
from shared.adapters.dynamodb import Dynamo
from shared.adapters.system import random_bytes
from shared.domain.errors import Unavailable
from shared.records.platform_credential import outbox_partition
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.faults import Fault, FaultyStore
from tests.platform_api.service import Service
from tests.serving import serving
from tests.tokens import Issuer

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = timedelta(hours=1)
KEY = Fernet.generate_key().decode()
OUTBOX = outbox_partition("2026-11-24")


@pytest.fixture
def store(endpoint: str) -> FaultyStore:
    """The store behind a proxy that loses answers on demand."""
    return FaultyStore(endpoint)


@pytest_asyncio.fixture(loop_scope="session")
async def credentials(store: FaultyStore, prefix: str, clock: SetClock) -> AsyncIterator[Credentials]:
    async with serving(store.app) as address:
        dynamo = Dynamo(region=REGION, endpoint=address)
        yield made(dynamo, prefix, clock)
        await store.settle()
        await dynamo.close()


def made(dynamo: Dynamo, prefix: str, clock: SetClock, sealing_keys: str = KEY) -> Credentials:
    repository = CredentialRepository(dynamo, prefix + "platform-tokens")
    return Credentials(repository, Seal(sealing_keys), clock, random_bytes)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.LATE])
async def test_a_lost_answer_neither_doubles_nor_loses_a_generate(
    credentials: Credentials, store: FaultyStore, dynamo: Dynamo, prefix: str, fault: Fault
) -> None:
    store.faults.extend([fault, fault])
    shown = await credentials.generate("user_1")
    await store.settle()
    again = await credentials.generate("user_1")
    assert (again.credential, again.api_key) == (shown.credential, shown.api_key)
    assert again.credential.state.version == 1
    assert len(await dynamo.query(prefix + "platform-tokens", OUTBOX)) == 1


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.LATE])
async def test_a_lost_answer_rotates_once_so_that_the_key_in_use_stays_good(
    credentials: Credentials, store: FaultyStore, fault: Fault
) -> None:
    in_use = (await credentials.generate("user_1")).credential.state.key_hash
    store.faults.extend([fault, fault])
    shown = await credentials.rotate("user_1", HOUR)
    await store.settle()
    now = await credentials.get("user_1")
    assert (now.api_key, now.credential) == (shown.api_key, shown.credential)
    assert (now.credential.state.version, now.credential.state.previous_hash) == (2, in_use)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.NOT_DONE, Fault.LATE])
async def test_a_lost_answer_revokes_once(credentials: Credentials, store: FaultyStore, fault: Fault) -> None:
    await credentials.generate("user_1")
    store.faults.extend([fault])
    await credentials.revoke("user_1")
    await store.settle()
    now = await credentials.get("user_1")
    assert (now.api_key, now.credential.state.version) == (None, 2)


async def test_a_store_that_never_takes_the_write_is_a_503_that_says_where_to_look(
    credentials: Credentials, store: FaultyStore
) -> None:
    await credentials.generate("user_1")
    store.faults.extend([Fault.NOT_DONE] * 100)
    with pytest.raises(Unavailable, match="GET /get-credentials") as refused:
        await credentials.rotate("user_1", HOUR)
    assert refused.value.retry_after_seconds == 2
    assert (await credentials.get("user_1")).credential.state.version == 1


async def test_twenty_at_once_over_two_processes_get_one_platform_and_one_key(
    settings: Settings, issuer: Issuer, clock: SetClock, dynamo: Dynamo
) -> None:
    async with (
        serving(app.build(settings, clock)) as here,
        serving(app.build(settings, clock)) as there,
        Service.at(here, issuer, clock) as one,
        Service.at(there, issuer, clock) as two,
    ):
        twenty = [side.post("/generate-credentials", one.user) for side in (one, two) for _ in range(10)]
        answers = await asyncio.gather(*twenty)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    entries = await dynamo.query(settings.table("platform-tokens"), OUTBOX)
    assert [entry["platformId"] for entry in entries].count(answers[0].json()["platformId"]) == 1


async def test_ten_rotations_at_once_happen_one_after_another(credentials: Credentials, clock: SetClock) -> None:
    await credentials.generate("user_1")
    shown = await asyncio.gather(*(credentials.rotate("user_1", HOUR) for _ in range(10)))
    assert sorted(one.credential.state.version for one in shown) == list(range(2, 12))
    assert len({one.api_key for one in shown}) == 10
    last = max(shown, key=lambda one: one.credential.state.version)
    assert (await credentials.get("user_1")).api_key == last.api_key


async def test_new_sealing_keys_take_over_while_the_old_one_still_opens(
    dynamo: Dynamo, prefix: str, clock: SetClock
) -> None:
    new = Fernet.generate_key().decode()
    before = await made(dynamo, prefix, clock).generate("user_1")
    both = made(dynamo, prefix, clock, f"{new},{KEY}")
    assert (await both.get("user_1")).api_key == before.api_key
    rotated = await both.rotate("user_1", HOUR)
    assert (await made(dynamo, prefix, clock, new).get("user_1")).api_key == rotated.api_key


async def test_a_sealing_key_removed_too_early_is_told_and_a_rotation_mends_it(
    dynamo: Dynamo, prefix: str, clock: SetClock
) -> None:
    await made(dynamo, prefix, clock).generate("user_1")
    without = made(dynamo, prefix, clock, Fernet.generate_key().decode())
    with pytest.raises(Unopenable):
        await without.get("user_1")
    rotated = await without.rotate("user_1", HOUR)
    assert (await without.get("user_1")).api_key == rotated.api_key
