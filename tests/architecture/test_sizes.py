"""Files and functions stay small enough to be read, and say at their head what they own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "platform_api", "tenant_api", "oauth_bridge", "infra")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ATTIC = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short_and_says_what_it_owns(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert path.stem not in ATTIC
    tree = ast.parse(text)
    assert not tree.body or ast.get_docstring(tree), "a module begins with what it owns and who calls it"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is longer than 50 lines"
