"""What crosses from one service to another is read back as it was written."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.tiers import FREE, Tier, TierConfig
from shared.records import platform_credential, tenant_config
from shared.records.platform_credential import PlatformCredential, outbox_sort, registry_partition, registry_partitions
from shared.records.tenant_config import ApiKey

hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
seconds = st.integers(0, 2**33)


@given(
    st.builds(
        PlatformCredential,
        st.just("plt_1"),
        st.integers(1),
        st.none() | hashes,
        st.none() | hashes,
        st.none() | seconds,
    )
)
def test_a_credential_is_read_back(credential: PlatformCredential) -> None:
    assert PlatformCredential.from_item(credential.to_item()) == credential


@given(st.builds(ApiKey, st.just("plt_1"), st.none() | seconds))
def test_a_key_is_read_back_and_one_that_ends_expires(key: ApiKey) -> None:
    assert ApiKey.from_item(key.to_item()) == key
    assert key.to_item().get("expiresAt") == key.valid_until


def test_tiers_are_read_back() -> None:
    config = TierConfig((FREE, Tier("pro", "Pro", 5)), 7)
    assert tenant_config.tier_config_from_item(tenant_config.tier_config_to_item(config)) == config


def test_outbox_entries_sort_by_time() -> None:
    first = outbox_sort("2026-11-24T10:00:00.000001Z", "plt_z", 9)
    assert first < outbox_sort("2026-11-24T10:00:00.000002Z", "plt_a", 1)


@given(st.text("0123456789abcdef", min_size=32, max_size=32))
def test_every_platform_is_listed_in_one_of_the_partitions(digits: str) -> None:
    assert registry_partition("plt_" + digits) in registry_partitions()


def test_both_sides_name_the_credential_alike() -> None:
    assert platform_credential.credential_key("plt_1") == tenant_config.credential_key("plt_1")
