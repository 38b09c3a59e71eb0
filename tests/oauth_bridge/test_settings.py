"""The bridge's settings."""

import pytest
from pydantic import ValidationError

from oauth_bridge.settings import Settings
from shared.settings import ClerkApp, ConnectKeys
from tests.tokens import segment


def clerk(mode: str = "test") -> ClerkApp:
    return ClerkApp.model_validate(
        {
            "publishable_key": f"pk_{mode}_" + segment(b"clerk.example.com$"),
            "secret_key": f"sk_{mode}_1",
            "authorized_parties": "https://app.example.com",
        }
    )


def test_live_keys_with_another_engine_are_refused() -> None:
    with pytest.raises(ValidationError, match="DYNAMODB_ENDPOINT"):
        Settings(developer_clerk=clerk("live"), dynamodb_endpoint="http://127.0.0.1:8000")


@pytest.mark.parametrize("name", ["sync_poll_seconds", "sync_overlap_seconds", "comparison_seconds"])
def test_a_rhythm_of_zero_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({"developer_clerk": clerk(), name: 0})


def test_the_port_comes_from_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_BRIDGE_PORT", "9001")
    assert Settings(developer_clerk=clerk()).port == 9001


def test_live_keys_with_the_real_store_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNAMODB_ENDPOINT", raising=False)
    settings = Settings(developer_clerk=clerk("live"))
    assert settings.port == 8789
    assert settings.sync_poll_seconds == 0.25


def connect(key: str = "sk_live_1", **changed: str) -> ConnectKeys:
    return ConnectKeys.model_validate({"secret_key": key, "client_id": "ca_1"} | changed)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The addresses of an installation on the internet."""
    monkeypatch.delenv("DYNAMODB_ENDPOINT", raising=False)
    return {"oauth_bridge_url": "https://connect.example.com", "platform_api_url": "https://app.example.com"}


def test_a_live_connect_key_is_taken_beside_live_keys_and_encrypted_addresses(public: dict[str, str]) -> None:
    settings = Settings.model_validate({"developer_clerk": clerk("live"), "connect": connect(), **public})
    assert settings.encrypted
    assert not Settings(developer_clerk=clerk(), connect=connect("sk_test_1")).encrypted


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"developer_clerk": clerk("test")}, "CONNECT__SECRET_KEY is live beside a test Clerk app"),
        ({"oauth_bridge_url": "http://connect.example.com"}, "must be https"),
        ({"platform_api_url": "http://app.example.com"}, "must be https"),
        ({"dynamodb_endpoint": "http://127.0.0.1:8000"}, "DYNAMODB_ENDPOINT"),
    ],
)
def test_a_live_connect_key_beside_anything_less_is_refused(
    public: dict[str, str], changed: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        Settings.model_validate({"developer_clerk": clerk("live"), "connect": connect(), **public, **changed})


@pytest.mark.parametrize(
    "given",
    [
        {"key": "pk_test_1"},
        {"client_id": "acct_1"},
        {"connect_url": "http://127.0.0.1:8794"},
    ],
)
def test_connect_keys_that_can_not_be_meant_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        connect(**given)


def test_connect_and_github_come_from_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "CONNECT__SECRET_KEY": "sk_test_1",
        "CONNECT__CLIENT_ID": "ca_1",
        "GITHUB__CLIENT_ID": "Iv1.a",
        "GITHUB__CLIENT_SECRET": "not to be seen",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(developer_clerk=clerk())
    assert settings.connect is not None
    assert settings.github is not None
    assert (settings.connect.client_id, settings.github.url) == ("ca_1", "https://github.com")
    assert "not to be seen" not in repr(settings)
    assert "sk_test_1" not in repr(settings)
