"""Settings: what can't be used is told at once and by name, and no secret is ever shown."""

import base64

import pytest
from pydantic import ValidationError

from shared.settings import CLERK_API, ClerkApp, ServiceSettings, frontend_host, sentences


def key(host: str, mode: str = "test", *, padded: bool = False) -> str:
    encoded = base64.b64encode(f"{host}$".encode()).decode()
    return f"pk_{mode}_{encoded if padded else encoded.rstrip('=')}"


class Settings(ServiceSettings):
    clerk: ClerkApp


LIVE = {
    "publishable_key": key("clerk.example.com", "live"),
    "secret_key": "sk_live_hunter2",
    "authorized_parties": "https://a.example.com",
}


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "pk_test",
        "pk_prod_abc",
        "sk_test_abc",
        "pk_test_!!!",
        "pk_test_" + base64.b64encode(b"no-dollar.com").decode(),
    ]
    + ["pk_test_" + base64.b64encode(host).decode() for host in (b"localhost$", b"a.b$$", b"a$b.c$", b"\xff\xfe.$")],
)
def test_refuses_a_malformed_publishable_key(malformed: str) -> None:
    with pytest.raises(ValueError, match="publishable_key"):
        frontend_host(malformed)


@pytest.mark.parametrize("host", ["clerk.example.com", "a.clerk.accounts.dev", "127.0.0.1:8791"])
@pytest.mark.parametrize("padded", [True, False])
def test_reads_the_host_of_a_publishable_key(host: str, padded: bool) -> None:
    assert frontend_host(key(host, padded=padded)) == host


@pytest.mark.parametrize(
    "change",
    [
        {"secret_key": "sk_test_hunter2"},
        {"publishable_key": key("clerk.example.com")},
        {"secret_key": "hunter2"},
        {"api_url": "http://127.0.0.1:8791/v1"},
        {"issuer": "http://127.0.0.1:8791"},
        {"authorized_parties": ""},
        {"authorised_parties": "https://a.example.com"},
    ],
)
def test_refuses_mixed_modes_and_live_keys_at_other_addresses(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        ClerkApp.model_validate(LIVE | change)
    assert "hunter2" not in str(refused.value)


def test_a_live_app_is_read() -> None:
    app = ClerkApp.model_validate(LIVE | {"authorized_parties": "https://a.example.com/, https://b.example.com"})
    assert (app.live, app.api_url, app.issuer) == (True, CLERK_API, "https://clerk.example.com")
    assert app.key_set_url == "https://clerk.example.com/.well-known/jwks.json"
    assert app.parties == {"https://a.example.com", "https://b.example.com"}
    assert "hunter2" not in repr(app)


def test_live_keys_never_meet_a_test_store() -> None:
    settings = Settings.model_validate({"clerk": LIVE, "dynamodb_endpoint": "http://127.0.0.1:8000"})
    settings.refuse_live_with_test_store(live=False)
    with pytest.raises(ValueError, match="DYNAMODB_ENDPOINT"):
        settings.refuse_live_with_test_store(live=True)


def test_every_unusable_setting_is_one_sentence_with_its_name_and_no_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(
            {"clerk": {"secret_key": "hunter2"}, "workers": 0, "table_prefix": "a b", "platform_api_url": "ftp://x"}
        )
    told = sentences(refused.value)
    assert [line.partition(":")[0] for line in told] == [
        "WORKERS",
        "TABLE_PREFIX",
        "PLATFORM_API_URL",
        "CLERK__PUBLISHABLE_KEY",
    ]
    assert "is missing" in told[-1]
    assert "hunter2" not in "".join(told)


def test_variables_nest_with_two_underscores_and_empty_ones_are_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK__PUBLISHABLE_KEY", key("clerk.example.com"))
    monkeypatch.setenv("CLERK__SECRET_KEY", "sk_test_hunter2")
    monkeypatch.setenv("WORKERS", "")
    monkeypatch.setenv("TABLE_PREFIX", "prod-")
    monkeypatch.setenv("TENANT_API_URL", "https://api.example.com/")
    settings = Settings.model_validate({})
    assert (settings.workers, settings.table("tenant-usage")) == (1, "prod-tenant-usage")
    assert settings.tenant_api_url == "https://api.example.com"
    assert settings.clerk.issuer == "https://clerk.example.com"
