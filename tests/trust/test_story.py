"""A few sequences of `story.py` with every run of the tests; `make soak MINUTES=…` tells many more."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.clocks import SetClock
from tests.effort import examples
from tests.trust.conftest import Counted
from tests.trust.product import frail_product
from tests.trust.story import Story, World


@pytest.mark.store
def test_no_sequence_of_calls_payments_kills_and_faults_breaks_a_promise(
    endpoint: str, tmp_path: Path, counted: Counted
) -> None:
    clock = SetClock()
    with asyncio.Runner() as runner:
        opened = frail_product(endpoint, tmp_path, clock)

        class Told(Story):
            world = World(runner, runner.run(opened.__aenter__()), clock)

        once = settings(
            max_examples=examples(4),
            stateful_step_count=10,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(Told, settings=once)
        runner.run(opened.__aexit__(None, None, None))
        counted("sequences of calls, payments, kills and faults", Told.world.seen["sequences"])
