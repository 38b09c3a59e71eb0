"""The documents follow the code: every variable is in .env.example, every target and route the README names exists."""

import re
from pathlib import Path

import pytest

import oauth_bridge.settings
import platform_api.settings
import platform_api.stripe_events
import tenant_api.settings
import tenant_api.stripe_events
from shared import VERSION
from shared.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS: list[type[ServiceSettings]] = [
    platform_api.settings.Settings,
    tenant_api.settings.Settings,
    oauth_bridge.settings.Settings,
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda one: one.__module__)
def test_every_variable_is_in_the_example(settings: type[ServiceSettings]) -> None:
    example = (ROOT / ".env.example").read_text()
    for name, field in settings.model_fields.items():
        variable = str(field.validation_alias or name).upper()
        assert re.search(rf"^#? ?{variable}(__\w+)?=", example, re.MULTILINE), variable


def test_the_version_is_said_once() -> None:
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()


def test_the_readme_is_short_and_its_first_call_comes_early() -> None:
    lines = README.splitlines()
    assert len(lines) < 150
    assert any("/api/data" in line for line in lines[:50])


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (?:-s )?([a-z][a-z-]*)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_the_readme_names_exists() -> None:
    for path in re.findall(r"\]\(([^)#]+)\)", README):
        if not path.startswith("http"):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("module", ["platform_api", "tenant_api", "oauth_bridge"])
def test_every_route_is_in_the_service_s_readme(module: str) -> None:
    source, told = (ROOT / module / "app.py").read_text(), (ROOT / module / "README.md").read_text()
    for path in re.findall(r'Route\("([^"]+)"', source):
        assert f"{path}`" in told, path


def test_every_event_that_a_service_handles_is_among_those_to_subscribe_to() -> None:
    document = (ROOT / "infra" / "real-systems.md").read_text()
    for event in platform_api.stripe_events.HANDLED | tenant_api.stripe_events.HANDLED:
        assert f"`{event}`" in document, event
