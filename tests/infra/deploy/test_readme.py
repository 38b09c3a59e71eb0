"""The operator's page says what is true: its cost table is computed, its targets and files exist."""

import re
from pathlib import Path

from infra.deploy.cost import CALLS, Prices, lines, table
from infra.deploy.environment import FOLDER, Environment, load

ROOT = Path(__file__).parents[3]
README = (ROOT / "infra/deploy/README.md").read_text()


def test_the_cost_table_is_what_make_cost_says() -> None:
    assert table(load("example")) in README


def test_more_calls_cost_more_and_nothing_is_free() -> None:
    size = load("example")
    sums = [sum(lines(calls, size).values()) for calls in CALLS]
    assert sums == sorted(sums)
    assert sums[0] > 0
    dearer = sum(lines(CALLS[-1], size, Prices(million_writes=6.25)).values())
    assert 560 < dearer - sums[-1] < 570  # 9 times 62.50 and the cursor's


def test_every_target_and_file_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z][a-z-]*)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / "infra/deploy" / path).exists(), path


def test_every_parameter_is_in_the_example() -> None:
    example = (FOLDER / "example.toml").read_text()
    for name in Environment.model_fields.keys() - {"name"}:
        assert re.search(rf"^{name} = ", example, re.MULTILINE), name
