"""What has to be written on the tenant side so that exactly a platform's good keys work there. Pure.

oauth_bridge.reconcile plans with it; repositories/tenant_credentials.py turns a plan into one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.records.platform_credential import PlatformCredential
from shared.records.tenant_config import ApiKey


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes for one platform, all or none, and only while the tenant side is still at `seen_version`.

    `seen_version` is None where the tenant side held nothing. `target` becomes its bookkeeping.
    """

    target: PlatformCredential
    seen_version: int | None
    puts: Mapping[str, ApiKey]
    deletes: frozenset[str]


def plan(truth: PlatformCredential, held: PlatformCredential | None, now: int) -> Plan | None:
    """The writes that lead from what the tenant side holds to the truth at `now` (Unix seconds).

    None when there is nothing to do: the tenant side is at this version, or at a newer one.
    """
    if held is not None and held.version >= truth.version:
        return None
    puts = good_keys(truth, now)
    known = _hashes(truth) | (_hashes(held) if held is not None else frozenset())
    return Plan(truth, None if held is None else held.version, puts, known - puts.keys())


def good_keys(truth: PlatformCredential, now: int) -> dict[str, ApiKey]:
    """The keys that work at `now`, by hash. Once revoked none does, the one before the last rotation included."""
    if truth.key_hash is None:
        return {}
    good = {truth.key_hash: ApiKey(truth.platform_id)}
    if truth.previous_hash is not None and truth.previous_until is not None and now < truth.previous_until:
        good.setdefault(truth.previous_hash, ApiKey(truth.platform_id, truth.previous_until))
    return good


def _hashes(credential: PlatformCredential) -> frozenset[str]:
    return frozenset(one for one in (credential.key_hash, credential.previous_hash) if one is not None)
