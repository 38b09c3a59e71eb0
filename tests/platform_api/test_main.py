import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

from tests.platform_api.test_settings import ENVIRONMENT

ROOT = Path(__file__).parents[2]


def run(arguments: list[str], tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_stops_with_a_sentence_for_each_setting_that_is_missing(tmp_path: Path) -> None:
    ended = run(["-m", "platform_api"], tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "platform_api can't start:",
        "  DEVELOPER_CLERK: is missing; set it in the environment or in .env",
        "  CREDENTIAL_KEYS: is missing; set it in the environment or in .env",
    ]


def test_importing_it_reads_nothing_and_starts_nothing(tmp_path: Path) -> None:
    ended = run(["-W", "error", "-c", "import platform_api.__main__, logging; print(logging.root.handlers)"], tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")


def test_builds_the_app_from_the_environment(tmp_path: Path) -> None:
    script = "from platform_api.__main__ import application; print([route.path for route in application().routes])"
    ended = run(["-c", script], tmp_path, **ENVIRONMENT | {"CREDENTIAL_KEYS": Fernet.generate_key().decode()})
    assert ended.returncode == 0
    assert "'/verify-auth'" in ended.stdout
