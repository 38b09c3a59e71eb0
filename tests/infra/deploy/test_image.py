"""The Dockerfile, read: what it copies exists, what it runs as is nobody, and it fits the task definitions."""

import json
import re
from itertools import pairwise
from pathlib import Path

from infra.deploy.parts import PORT, SERVICES
from infra.deploy.tasks import HEALTH, USER_ID

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "Dockerfile").read_text()
LINES = [line for line in re.sub(r"\\\n\s*", "", TEXT).splitlines() if line and not line.startswith("#")]


def of(word: str, stage: int = -1) -> list[str]:
    """The arguments of an instruction in a stage: the last one is what is shipped."""
    starts = [index for index, line in enumerate(LINES) if line.startswith("FROM ")] + [len(LINES)]
    stages = [LINES[begin:end] for begin, end in pairwise(starts)]
    return [line.removeprefix(word + " ").strip() for line in stages[stage] if line.startswith(word + " ")]


def test_it_runs_as_nobody_without_installers_and_has_no_command_that_writes() -> None:
    assert of("USER") == [f"{USER_ID}:{USER_ID}"]
    assert any("rm -rf" in line and "pip" in line for line in of("RUN"))
    assert "PYTHONDONTWRITEBYTECODE=1" in of("ENV")[0]
    assert not [word for word in ("VOLUME", "ADD") if of(word)]


def test_it_installs_exactly_the_lock() -> None:
    installs = [line for line in of("RUN", 0) if " install " in line]
    assert len(installs) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(installs[0].split())


def test_it_has_the_production_packages_and_nothing_else_of_the_repository() -> None:
    copied = {line.split()[0] for line in of("COPY", 0)}
    assert copied == {"requirements.txt", "shared", *(service.package for service in SERVICES)}
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_its_port_and_health_check_are_those_of_the_tasks() -> None:
    environment = of("ENV")[0]
    for service in SERVICES:
        assert f"{service.package.upper()}_PORT={PORT}" in environment
    assert of("EXPOSE") == [str(PORT)]
    (check,) = of("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    assert command == ["python", "-c", HEALTH]
    assert json.loads(of("ENTRYPOINT")[0]) == ["python", "-m"]
    assert json.loads(of("CMD")[0]) == ["tenant_api"]
