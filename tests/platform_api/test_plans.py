import pytest

from platform_api import plans


@pytest.mark.parametrize(
    "value", [None, "", "enterprise", "PAID", 1, True, ["paid"], {"plan": "paid"}, "{{user.public_metadata.plan}}"]
)
def test_takes_anything_but_a_plans_name_as_absent(value: object) -> None:
    assert plans.claimed(value) is None


def test_takes_a_plans_name() -> None:
    assert [plans.claimed("free"), plans.claimed("paid")] == ["free", "paid"]


def test_without_a_word_to_the_contrary_it_is_the_free_plan() -> None:
    assert plans.named(None) == plans.FREE


@pytest.mark.parametrize(("plan", "limit"), [("free", 5), ("paid", 500)])
def test_each_plan_has_its_monthly_limit_and_a_hundred_calls_a_minute(plan: str, limit: int) -> None:
    quota = plans.named(plan)
    assert (quota.plan, quota.limit, quota.rate_per_minute) == (plan, limit, 100)
