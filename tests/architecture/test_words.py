"""What must not stand anywhere: stand-ins in production code, patching in tests, scans, addresses of registries."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCTION = ("shared", "platform_api", "tenant_api", "oauth_bridge")
STAND_INS = re.compile(r"\b(mock|moto|sandbox|dynoxide|localstack|stand_in|is_test|testing)\b", re.IGNORECASE)
ELSEWHERE = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "/ro" + "ot/", "/wo" + "rk/")


def tracked() -> list[Path]:
    """The files of the project, whether in git or not yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def production() -> list[Path]:
    return [path for package in PRODUCTION for path in (ROOT / package).rglob("*.py")]


@pytest.mark.parametrize("path", production(), ids=lambda path: str(path.relative_to(ROOT)))
def test_production_knows_no_stand_in_and_never_scans(path: Path) -> None:
    text = path.read_text()
    assert not STAND_INS.search(text)
    assert ".scan(" not in text


def test_no_test_patches_what_it_tests() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            imported = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest.mock")
            patched = isinstance(node, ast.Attribute) and node.attr in {"patch", "setattr"} and _is_patcher(node)
            assert not imported, path
            assert not patched, path


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    for path in tracked():
        text = path.read_text(errors="ignore")
        for word in ELSEWHERE:
            assert word not in text, f"{path.relative_to(ROOT)} has {word}"


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_locked_requirement_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    pinned = [entry for entry in entries if "==" in entry.splitlines()[0]]
    assert len(pinned) > 20
    assert [entry.splitlines()[0] for entry in pinned if "--hash=sha256:" not in entry] == []


def _is_patcher(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"mock", "mocker", "monkeypatch"}
