"""The bridge's settings."""

import pytest
from pydantic import ValidationError

from oauth_bridge.settings import Settings
from shared.settings import ClerkApp
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
