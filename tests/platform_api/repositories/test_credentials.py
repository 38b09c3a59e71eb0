import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from platform_api.credential import Credential, NewKey, generated, revoked, rotated
from platform_api.repositories.credentials import CredentialRepository, VersionMoved
from platform_api.settings import Settings
from shared.adapters.dynamodb import Dynamo
from shared.domain.keys import key_hash
from shared.records.platform_credential import PlatformCredential, credential_key
from tests.clocks import SetClock
from tests.conftest import REGION
from tests.platform_api.service import Service

pytestmark = [pytest.mark.store, pytest.mark.asyncio(loop_scope="session")]

PLATFORM = "plt_c0ffee00000000000000000000000000"
NONE = Credential.none("user_1", PLATFORM)
NOON = 1_795_521_600  # the clock's 2026-11-24T12:00:00Z
HOUR = timedelta(hours=1)


def key(number: int) -> NewKey:
    return NewKey(f"hash{number}", f"sealed{number}")


@pytest.fixture
def table(prefix: str) -> str:
    return prefix + "platform-tokens"


@pytest.fixture
def repository(dynamo: Dynamo, table: str) -> CredentialRepository:
    return CredentialRepository(dynamo, table)


def everything(endpoint: str, table: str) -> dict[tuple[str, str], Any]:
    """Every item of a table: what production can't see, having no right to Scan."""
    client = boto3.resource("dynamodb", region_name=REGION, endpoint_url=endpoint)
    found = {(str(item.pop("pk")), str(item.pop("sk"))): item for item in client.Table(table).scan()["Items"]}
    client.meta.client.close()
    return found


async def test_a_developer_without_credentials_has_none(repository: CredentialRepository) -> None:
    assert await repository.find("user_1") is None


async def test_refuses_a_second_platform_for_a_developer_and_writes_none_of_it(
    repository: CredentialRepository, clock: SetClock, endpoint: str, table: str
) -> None:
    await repository.replace(NONE, generated(NONE, key(1), clock()), clock())
    before = everything(endpoint, table)
    other = Credential.none("user_1", "plt_" + "0" * 32)
    with pytest.raises(VersionMoved):
        await repository.replace(other, generated(other, key(2), clock()), clock())
    assert everything(endpoint, table) == before


async def test_refuses_a_change_to_a_version_that_has_moved_on(
    repository: CredentialRepository, clock: SetClock, endpoint: str, table: str
) -> None:
    first = generated(NONE, key(1), clock())
    await repository.replace(NONE, first, clock())
    await repository.replace(first, rotated(first, key(2), clock(), HOUR), clock())
    before = everything(endpoint, table)
    with pytest.raises(VersionMoved):
        await repository.replace(first, revoked(first, clock()), clock())
    assert everything(endpoint, table) == before


async def test_stores_what_it_finds_again(repository: CredentialRepository, clock: SetClock) -> None:
    current = NONE
    steps: list[Callable[[Credential], Credential]] = [
        lambda one: generated(one, key(1), clock()),
        lambda one: rotated(one, key(2), clock(), HOUR),
        lambda one: revoked(one, clock()),
        lambda one: generated(one, key(3), clock()),
    ]
    for step in steps:
        changed = step(current)
        await repository.replace(current, changed, clock())
        assert await repository.find("user_1") == changed
        current = changed


async def test_a_first_credential_is_five_items(
    repository: CredentialRepository, clock: SetClock, endpoint: str, table: str
) -> None:
    await repository.replace(NONE, generated(NONE, key(1), clock()), clock())
    assert everything(endpoint, table) == {
        ("user:user_1", "credential"): {"platformId": PLATFORM},
        (f"platform:{PLATFORM}", "credential"): {
            "platformId": PLATFORM,
            "version": 1,
            "keyHash": "hash1",
            "sealedKey": "sealed1",
            "userId": "user_1",
            "createdAt": "2026-11-24T12:00:00Z",
        },
        ("apikey:hash1", "apikey"): {"platformId": PLATFORM},
        ("registry:c", PLATFORM): {"platformId": PLATFORM},
        ("outbox:2026-11-24", f"2026-11-24T12:00:00.000000Z#{PLATFORM}#00000001"): {
            "platformId": PLATFORM,
            "version": 1,
            "expiresAt": NOON + 30 * 86_400,
        },
    }


async def test_hashes_lead_to_the_platform_only_while_they_are_good(
    repository: CredentialRepository, clock: SetClock, endpoint: str, table: str
) -> None:
    def hashes() -> dict[str, Any]:
        items = everything(endpoint, table)
        return {pk: item.get("expiresAt") for (pk, _), item in items.items() if pk.startswith("apikey:")}

    first = generated(NONE, key(1), clock())
    await repository.replace(NONE, first, clock())
    second = rotated(first, key(2), clock(), HOUR)
    await repository.replace(first, second, clock())
    assert hashes() == {"apikey:hash1": NOON + 3_600, "apikey:hash2": None}
    third = rotated(second, key(3), clock(), timedelta())
    await repository.replace(second, third, clock())
    assert hashes() == {"apikey:hash3": None}
    await repository.replace(third, revoked(third, clock()), clock())
    assert hashes() == {}


async def test_the_bridge_reads_the_state_and_an_outbox_in_order_of_time(
    repository: CredentialRepository, clock: SetClock, dynamo: Dynamo, table: str
) -> None:
    first = generated(NONE, key(1), clock())
    await repository.replace(NONE, first, clock())
    clock.advance(microseconds=1)
    await repository.replace(first, rotated(first, key(2), clock(), HOUR), clock())
    item = await dynamo.get(table, credential_key(PLATFORM))
    assert item is not None
    assert PlatformCredential.from_item(item) == PlatformCredential(PLATFORM, 2, "hash2", "hash1", NOON + 3_600)
    entries = await dynamo.query(table, "outbox:2026-11-24")
    assert [entry["version"] for entry in entries] == [1, 2]


async def test_an_outbox_entry_is_filed_under_its_day_in_utc(
    repository: CredentialRepository, clock: SetClock, dynamo: Dynamo, table: str
) -> None:
    late = SetClock.at("2026-12-31T23:59:59.999999")
    await repository.replace(NONE, generated(NONE, key(1), late()), late())
    (entry,) = await dynamo.query(table, "outbox:2026-12-31")
    assert entry["sk"].startswith("2026-12-31T23:59:59.999999Z#")


async def test_no_item_contains_a_key_in_clear(service: Service, settings: Settings, endpoint: str) -> None:
    shown = [(await service.post("/generate-credentials")).json()["apiKey"]]
    shown.append((await service.post("/rotate-credentials")).json()["apiKey"])
    stored = json.dumps([*everything(endpoint, settings.table("platform-tokens")).items()], default=str)
    assert all(one not in stored for one in shown)
    assert all(key_hash(one) in stored for one in shown)
    assert settings.credential_keys.get_secret_value() not in stored


async def test_a_sealed_key_moved_to_another_platform_does_not_open_there(
    service: Service, settings: Settings, dynamo: Dynamo, clock: SetClock
) -> None:
    users = (service.user, service.user + "_2")
    for user in users:
        await service.post("/generate-credentials", user)
    repository = CredentialRepository(dynamo, settings.table("platform-tokens"))
    one, two = [await repository.find(user) for user in users]
    assert one is not None
    assert two is not None
    moved_state = replace(two.state, version=two.state.version + 1)
    await repository.replace(two, replace(two, state=moved_state, sealed_key=one.sealed_key), clock())
    answer = await service.get("/get-credentials", users[1])
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    assert "pk_live_" not in answer.text
