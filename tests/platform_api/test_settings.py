from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from platform_api.settings import Settings, load
from shared.settings import sentences
from tests.tokens import segment

SECRET = "sk_test_of_the_developers_app"
BILLING = {
    "STRIPE__SECRET_KEY": "sk_test_of_the_operator",
    "STRIPE__WEBHOOK_SECRET": "whsec_of_the_endpoint",
    "STRIPE_PRICE_ID": "price_1",
}
ENVIRONMENT = {
    "DEVELOPER_CLERK__PUBLISHABLE_KEY": "pk_test_" + segment(b"clerk.example.com$"),
    "DEVELOPER_CLERK__SECRET_KEY": SECRET,
    "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    """A usable environment and nothing else; no `.env` of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    optional = [
        "DYNAMODB_ENDPOINT",
        "PLATFORM_API_PORT",
        "ROTATION_OVERLAP_HOURS",
        "PLATFORM_API_URL",
        "SECRET_SCANNING_KEYS_URL",
        *BILLING,
    ]
    for name in [*optional, "STRIPE__API_URL", "STRIPE__CONNECT_URL", "PAST_DUE_GRACE_DAYS", "RECONCILE_SECONDS"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> list[str]:
    with pytest.raises(ValidationError) as caught:
        load()
    return sentences(caught.value)


def test_names_everything_that_is_missing_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        environment.delenv(name)
    said = "\n".join(refusal())
    assert "DEVELOPER_CLERK: is missing" in said
    assert "CREDENTIAL_KEYS: is missing" in said


HALF = f"{Fernet.generate_key().decode()},half"


@pytest.mark.parametrize("keys", ["change-me", ",", HALF], ids=["word", "none", "half"])
def test_refuses_bad_credential_keys_without_showing_them(environment: pytest.MonkeyPatch, keys: str) -> None:
    environment.setenv("CREDENTIAL_KEYS", keys)
    (said,) = refusal()
    assert said.startswith("CREDENTIAL_KEYS: must be Fernet keys")
    assert keys not in said.removesuffix(", comma-separated")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ROTATION_OVERLAP_HOURS", "169"), ("ROTATION_OVERLAP_HOURS", "-1"), ("PLATFORM_API_PORT", "0")],
)
def test_refuses_numbers_out_of_range(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    assert refusal()[0].startswith(f"{name}: ")


def test_refuses_live_keys_beside_a_test_store(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DEVELOPER_CLERK__PUBLISHABLE_KEY", "pk_live_" + segment(b"clerk.example.com$"))
    environment.setenv("DEVELOPER_CLERK__SECRET_KEY", "sk_live_of_the_developers_app")
    environment.setenv("DEVELOPER_CLERK__AUTHORIZED_PARTIES", "https://platform.example.com")
    load()
    environment.setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:8000")
    assert "DYNAMODB_ENDPOINT" in refusal()[0]


def test_refuses_a_scanner_without_https_beside_live_keys(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_SCANNING_KEYS_URL", "http://scanner.example.com/keys")
    load()
    environment.setenv("DEVELOPER_CLERK__PUBLISHABLE_KEY", "pk_live_" + segment(b"clerk.example.com$"))
    environment.setenv("DEVELOPER_CLERK__SECRET_KEY", "sk_live_of_the_developers_app")
    environment.setenv("DEVELOPER_CLERK__AUTHORIZED_PARTIES", "https://platform.example.com")
    assert "SECRET_SCANNING_KEYS_URL" in refusal()[0]


def test_billing_is_whole_or_absent(environment: pytest.MonkeyPatch) -> None:
    assert load().stripe is None
    for name, value in BILLING.items():
        environment.setenv(name, value)
    settings = load()
    assert settings.stripe is not None
    assert (settings.stripe.api_url, settings.stripe_price_id) == ("https://api.stripe.com", "price_1")
    assert (settings.past_due_grace_days, settings.reconcile_seconds) == (7, 3600)
    for missing, value in BILLING.items():
        environment.delenv(missing)
        assert "STRIPE" in refusal()[0]
        environment.setenv(missing, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE__SECRET_KEY", "pk_test_of_the_operator"),
        ("STRIPE__WEBHOOK_SECRET", "change-me"),
        ("STRIPE__WEBHOOK_SECRET", ","),
        ("STRIPE_PRICE_ID", "prod_1"),
        ("STRIPE__API_URL", "not an address"),
        ("PAST_DUE_GRACE_DAYS", "-1"),
        ("RECONCILE_SECONDS", "-1"),
    ],
)
def test_refuses_unusable_billing(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    for known, good in BILLING.items():
        environment.setenv(known, good)
    environment.setenv(name, value)
    assert refusal()[0].startswith(name.partition("__")[0])


@pytest.mark.parametrize("name", ["STRIPE__API_URL", "STRIPE__CONNECT_URL", "DYNAMODB_ENDPOINT"])
def test_refuses_a_live_stripe_key_beside_another_address(environment: pytest.MonkeyPatch, name: str) -> None:
    for known, good in BILLING.items():
        environment.setenv(known, good)
    environment.setenv("STRIPE__SECRET_KEY", "sk_live_of_the_operator")
    load()
    environment.setenv(name, "http://127.0.0.1:8000")
    assert "live" in refusal()[0]


def test_has_defaults_for_the_rest() -> None:
    settings = load()
    assert (settings.port, settings.rotation_overlap_hours) == (8788, 24)
    assert settings.upgrade_url == "http://127.0.0.1:8788/dashboard#billing"


def test_reads_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PLATFORM_API_PORT", "9001")
    environment.setenv("ROTATION_OVERLAP_HOURS", "0")
    settings = load()
    assert (settings.port, settings.rotation_overlap.total_seconds()) == (9001, 0)


def test_does_not_show_secrets_when_printed() -> None:
    shown = repr(load()) + str(load())
    assert SECRET not in shown
    assert ENVIRONMENT["CREDENTIAL_KEYS"] not in shown
    assert isinstance(load(), Settings)
