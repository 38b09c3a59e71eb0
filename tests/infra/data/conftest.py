"""A store with one busy platform in it: a developer, two end-users of whom one pays, and a stranger's platform."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.data.store import Store
from tests.conftest import REGION

PLATFORM, OTHER = "plt_" + "a" * 32, "plt_" + "b" * 32
DEVELOPER, STRANGER = "user_dev", "user_other"
PAYER = "pay:er"
SEALED = "gAAAA" + "x" * 100
NOW = 1_800_000_000


def of_platform(platform_id: str, developer: str, mark: str) -> list[tuple[str, dict[str, Any]]]:
    """What a platform's life leaves in the four tables; `mark` tells one platform's hashes from another's."""
    key_hash, account = mark * 64, f"acct_{mark}"
    paid = {"account": account, "customerId": f"cus_{mark}", "version": 2, "subscriptionId": f"sub_{mark}"}
    own = {"account": "own", "customerId": f"cus_own{mark}", "version": 1, "status": "canceled"}
    subject = f"{platform_id}:{PAYER}"
    return [
        ("platform-usage", {"pk": f"usage:{developer}", "sk": "usage", "usageCount": 4, "minute": 7, "minuteCalls": 2}),
        ("platform-usage", {"pk": f"webhook:stripe:evt_{mark}", "sk": "event", "status": "done"}),
        ("platform-tokens", {"pk": f"user:{developer}", "sk": "credential", "platformId": platform_id}),
        (
            "platform-tokens",
            {
                "pk": f"platform:{platform_id}",
                "sk": "credential",
                "userId": developer,
                "version": 1,
                "keyHash": key_hash,
                "sealedKey": SEALED,
            },
        ),
        ("platform-tokens", {"pk": f"apikey:{key_hash}", "sk": "apikey", "platformId": platform_id}),
        ("platform-tokens", {"pk": f"registry:{mark}", "sk": platform_id, "platformId": platform_id}),
        ("platform-tokens", {"pk": "outbox:2026-11-25", "sk": f"2026-11-25T10:00:00.0Z#{platform_id}#00000001"}),
        ("platform-tokens", {"pk": f"user:{developer}", "sk": "billing", **own}),
        ("platform-tokens", {"pk": f"customer:own:cus_own{mark}", "sk": "customer", "subject": developer}),
        ("platform-tokens", {"pk": "billing:3", "sk": developer}),
        ("tenant-tokens", {"pk": f"apikey:{key_hash}", "sk": "apikey", "platformId": platform_id}),
        ("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "credential", "version": 1, "keyHash": key_hash}),
        ("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "profile", "email": f"{mark}@example.com"}),
        ("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "tierConfig", "version": 1, "tiers": []}),
        ("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "stripe", "accountId": account}),
        ("tenant-tokens", {"pk": f"platform:{platform_id}", "sk": "preview", "key": "0" * 64}),
        ("tenant-tokens", {"pk": f"account:{account}", "sk": "account", "platformId": platform_id}),
        ("tenant-tokens", {"pk": f"user:{subject}", "sk": "billing", **paid}),
        ("tenant-tokens", {"pk": f"customer:{account}:cus_{mark}", "sk": "customer", "subject": subject}),
        ("tenant-tokens", {"pk": "billing:9", "sk": subject}),
        ("tenant-tokens", {"pk": f"subscribers:{platform_id}", "sk": PAYER}),
        ("tenant-usage", {"pk": f"usage:{platform_id}:alice", "sk": "usage", "usageCount": 3}),
        ("tenant-usage", {"pk": f"usage:{subject}", "sk": "usage", "usageCount": 9, "minute": 7, "minuteCalls": 1}),
        ("tenant-usage", {"pk": f"idempotency:usage:{subject}:{key_hash}", "sk": "idempotency", "fingerprint": "f"}),
        ("tenant-usage", {"pk": f"users:{platform_id}", "sk": PAYER}),
        ("tenant-usage", {"pk": f"rank:{platform_id}:2026-11", "sk": f"998#{PAYER}"}),
        ("tenant-usage", {"pk": f"stats:{platform_id}", "sk": "2026-11-25#proc", "calls": 12}),
        ("tenant-usage", {"pk": f"revenue:{platform_id}", "sk": "2026-11#usd", "amount": 1999}),
        ("tenant-usage", {"pk": f"webhook:stripe:evt_c{mark}", "sk": "event", "account": account}),
    ]


@pytest.fixture
def store(endpoint: str, prefix: str) -> Iterator[Store]:
    opened = Store(boto3.client("dynamodb", region_name=REGION, endpoint_url=endpoint), prefix)
    yield opened
    opened.close()


@pytest.fixture
def busy(store: Store) -> Store:
    for table, item in of_platform(PLATFORM, DEVELOPER, "a") + of_platform(OTHER, STRANGER, "b"):
        store.put(table, item)
    return store


def everything(store: Store) -> dict[tuple[str, str, str], dict[str, Any]]:
    tables = ("platform-usage", "platform-tokens", "tenant-usage", "tenant-tokens")
    return {(table, item["pk"], item["sk"]): item for table in tables for item in store.scan(table)}
