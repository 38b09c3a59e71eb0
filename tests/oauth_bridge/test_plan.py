"""The plan: refusals of older states first, then that following plans always ends in the truth."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from oauth_bridge.plan import Plan, good_keys, plan
from shared.records.platform_credential import PlatformCredential
from shared.records.tenant_config import ApiKey

NOW = 1_800_000_000
ID = "plt_" + "a" * 32


class Tenant:
    """The tenant side as a dictionary, with the transaction's condition."""

    def __init__(self) -> None:
        self.held: PlatformCredential | None = None
        self.keys: dict[str, ApiKey] = {}

    def apply(self, planned: Plan) -> None:
        if planned.seen_version != (self.held.version if self.held else None):
            return
        self.held = planned.target
        self.keys.update(planned.puts)
        for one in planned.deletes:
            self.keys.pop(one, None)

    def carry_over(self, truth: PlatformCredential) -> None:
        planned = plan(truth, self.held, NOW)
        if planned is not None:
            self.apply(planned)


def test_an_older_state_is_never_planned_over_a_newer_one() -> None:
    newer = PlatformCredential(ID, 3, None)
    assert plan(PlatformCredential(ID, 2, "old"), newer, NOW) is None


def test_the_same_version_again_is_nothing_to_do() -> None:
    truth = PlatformCredential(ID, 2, "key")
    assert plan(truth, truth, NOW) is None


def test_after_a_revoke_no_key_is_good_not_even_the_one_rotated_away() -> None:
    assert good_keys(PlatformCredential(ID, 4, None, "before", NOW + 1000), NOW) == {}


def test_the_key_before_a_rotation_is_not_good_from_its_last_second_on() -> None:
    truth = PlatformCredential(ID, 2, "new", "old", NOW)
    assert good_keys(truth, NOW) == {"new": ApiKey(ID)}
    assert good_keys(truth, NOW - 1) == {"new": ApiKey(ID), "old": ApiKey(ID, NOW)}


def test_a_previous_key_without_an_end_is_not_good() -> None:
    assert good_keys(PlatformCredential(ID, 2, "new", "old"), NOW) == {"new": ApiKey(ID)}


def test_a_second_rotation_deletes_the_key_before_the_last() -> None:
    held = PlatformCredential(ID, 2, "second", "first", NOW + 50)
    planned = plan(PlatformCredential(ID, 3, "third", "second", NOW + 60), held, NOW)
    assert planned == Plan(
        PlatformCredential(ID, 3, "third", "second", NOW + 60),
        2,
        {"third": ApiKey(ID), "second": ApiKey(ID, NOW + 60)},
        frozenset({"first"}),
    )


def test_the_first_state_is_written_where_nothing_is() -> None:
    truth = PlatformCredential(ID, 1, "key")
    assert plan(truth, None, NOW) == Plan(truth, None, {"key": ApiKey(ID)}, frozenset())


@st.composite
def histories(draw: st.DrawFn) -> list[PlatformCredential]:
    """The states of one platform, as rotations and revokes make them."""
    states = [PlatformCredential(ID, 1, "k1")]
    for version in range(2, draw(st.integers(2, 9))):
        before = states[-1]
        if draw(st.booleans()) and before.key_hash is not None:
            states.append(PlatformCredential(ID, version, None))
            continue
        until = draw(st.none() | st.integers(NOW - 100, NOW + 100))
        kept = until is not None and before.key_hash is not None
        fresh = PlatformCredential(ID, version, f"k{version}")
        states.append(replace(fresh, previous_hash=before.key_hash, previous_until=until) if kept else fresh)
    return states


@given(histories(), st.data())
def test_any_order_with_duplicates_and_losses_then_a_comparison_ends_in_the_truth(
    states: list[PlatformCredential], data: st.DataObject
) -> None:
    tenant = Tenant()
    newest = 0
    for seen in data.draw(st.lists(st.sampled_from(states), max_size=20)):
        tenant.carry_over(seen)
        newest = max(newest, seen.version)
        assert tenant.held is not None
        assert tenant.held.version == newest
        assert tenant.keys == good_keys(tenant.held, NOW)
    tenant.carry_over(states[-1])
    assert tenant.held == states[-1]
    assert tenant.keys == good_keys(states[-1], NOW)


@given(histories(), st.data())
def test_plans_made_on_what_no_longer_stands_change_nothing(
    states: list[PlatformCredential], data: st.DataObject
) -> None:
    tenant = Tenant()
    planned: list[Plan] = []
    for seen in data.draw(st.lists(st.sampled_from(states), max_size=20)):
        planned += [one for one in [plan(seen, tenant.held, NOW)] if one is not None]
        if planned:
            before = tenant.held.version if tenant.held else 0
            tenant.apply(planned.pop(data.draw(st.integers(0, len(planned) - 1))))
            assert tenant.held is not None
            assert tenant.held.version >= before
            assert tenant.keys == good_keys(tenant.held, NOW)
