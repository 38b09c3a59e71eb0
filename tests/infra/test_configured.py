"""What `.env` configures is used, what it does not is played by a stand-in, part by part; nothing else gets through."""

from pathlib import Path

import pytest

from infra.sandbox.configured import CONNECT, GITHUB, OWN, SYSTEMS, Configured
from infra.sandbox.layout import DEVELOPERS, END_USERS, Layout
from infra.sandbox.processes import SandboxError
from infra.sandbox.seed import Seeded
from infra.sandbox.supervisor import SERVICES, Supervisor
from infra.sandbox.told import running

REAL = {
    DEVELOPERS: {
        "DEVELOPER_CLERK__PUBLISHABLE_KEY": "pk_test_cmVhbC5leGFtcGxlLmNvbSQ",
        "DEVELOPER_CLERK__SECRET_KEY": "sk_test_real",
        "DEVELOPER_CLERK__AUTHORIZED_PARTIES": "https://platform.example.com",
    },
    END_USERS: {
        "END_USER_CLERK__PUBLISHABLE_KEY": "pk_test_cmVhbC5leGFtcGxlLmNvbSQ",
        "END_USER_CLERK__SECRET_KEY": "sk_test_real",
    },
    OWN: {
        "STRIPE__SECRET_KEY": "sk_test_real",
        "STRIPE__WEBHOOK_SECRET": "whsec_real",
        "STRIPE_PRICE_ID": "price_real",
    },
    CONNECT: {
        "TENANT_STRIPE__SECRET_KEY": "sk_test_real",
        "TENANT_STRIPE__WEBHOOK_SECRET": "whsec_real",
        "CONNECT__SECRET_KEY": "sk_test_real",
        "CONNECT__CLIENT_ID": "ca_real",
    },
    GITHUB: {"GITHUB__CLIENT_ID": "real", "GITHUB__CLIENT_SECRET": "real"},
}


def written(folder: Path, values: dict[str, str]) -> Path:
    path = folder / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def environments(folder: Path, env_file: Path) -> dict[str, dict[str, str]]:
    """What each service of a sandbox with this file would be started with."""
    said: list[str] = []
    supervisor = Supervisor(Layout(folder / "state"), said.append, env_file)
    supervisor.configure()
    return {service: supervisor.environment(service) for service in SERVICES}


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_system_is_configured_by_itself_and_changes_its_own_variables_only(tmp_path: Path, system: str) -> None:
    without = environments(tmp_path, tmp_path / "none")
    changed = environments(tmp_path, written(tmp_path, REAL[system]))
    assert Configured.read(tmp_path / ".env").real == {system}
    for service in SERVICES:
        differing = {
            name
            for name in without[service] | changed[service]
            if without[service].get(name) != changed[service].get(name)
        }
        assert all(SYSTEMS[system].owns(name) for name in differing), differing
        for name in differing & set(REAL[system]) - {"DEVELOPER_CLERK__AUTHORIZED_PARTIES"}:
            assert changed[service][name] == REAL[system][name]
        # No address of a stand-in is left over: the real system's own is the default.
        assert not [name for name in differing if name.endswith(("_URL", "ISSUER")) and name in changed[service]]


def test_a_real_apps_parties_are_joined_by_the_pages_of_make_run(tmp_path: Path) -> None:
    found = environments(tmp_path, written(tmp_path, REAL[DEVELOPERS]))["platform_api"]
    page = Layout().url("platform_api")
    assert found["DEVELOPER_CLERK__AUTHORIZED_PARTIES"] == f"https://platform.example.com,{page}"


def test_other_settings_reach_the_service_that_knows_them_but_for_those_of_the_sandbox(tmp_path: Path) -> None:
    told = {"PAST_DUE_GRACE_DAYS": "3", "APPLICATION_FEE_PERCENT": "2.5", "TABLE_PREFIX": "x-", "AWS_REGION": "mars-1"}
    told |= {"CREDENTIAL_KEYS": "theirs", "PLATFORM_API_URL": "https://platform.example.com", "UNKNOWN": "1"}
    found = environments(tmp_path, written(tmp_path, told))
    grace = [found[name].get("PAST_DUE_GRACE_DAYS") for name in SERVICES]
    assert grace == ["3", "3", None]
    assert [found[name].get("APPLICATION_FEE_PERCENT") for name in SERVICES] == [None, "2.5", None]
    for name in SERVICES:
        assert not {"TABLE_PREFIX", "UNKNOWN"} & set(found[name])
        assert found[name]["AWS_REGION"] != "mars-1"
        assert found[name].get("CREDENTIAL_KEYS") != "theirs"
        assert found[name]["PLATFORM_API_URL"] == Layout().url("platform_api")


def test_half_a_system_is_a_sentence_that_names_what_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, {"STRIPE__SECRET_KEY": "sk_test_1", "STRIPE__WEBHOOK_SECRET": " "})
    with pytest.raises(SandboxError, match=r"only in part: STRIPE__WEBHOOK_SECRET, STRIPE_PRICE_ID are missing"):
        Configured.read(path)


@pytest.mark.parametrize(
    ("name", "value"), [("STRIPE__SECRET_KEY", "rk_live_secret"), ("END_USER_CLERK__SECRET_KEY", "sk_live_secret")]
)
def test_live_keys_are_refused_by_name_and_never_shown(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SandboxError, match=rf"live keys \({name}\).*must not serve paying customers") as refused:
        Configured.read(written(tmp_path, {name: value}))
    assert "secret" not in str(refused.value)


def test_the_copied_example_configures_nothing() -> None:
    assert Configured.read(Path(__file__).parents[2] / ".env.example").real == frozenset()


def test_what_is_left_to_a_person_is_told_for_each_real_system_and_nothing_for_a_stand_in(tmp_path: Path) -> None:
    seeded = Seeded("plt_1", "pk_live_1", "user_1")
    assert "Left to you" not in running(Layout(), seeded, Configured())
    told = running(Layout(), Seeded(), Configured.read(written(tmp_path, REAL[DEVELOPERS] | REAL[OWN])))
    assert "{{user.public_metadata.plan}}" in told
    assert f"stripe listen --forward-to {Layout().url('platform_api')}/webhook/stripe" in told
    assert "--forward-connect-to" not in told
    assert "make token" not in told
    assert "its stand-in, for Connect" in told
    assert "sk_test_real" not in told
