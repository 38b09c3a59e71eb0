"""`make soak MINUTES=…`: sequences of `story.py` for as long as that, each round from a seed of its own.

A sequence that breaks a promise ends the run and is printed with its seed; `make soak SEED=n` tells that round again
and makes the sequence as small as it can, which takes its time. The engine is the native one.
"""

import argparse
import asyncio
import logging
import os
import secrets
import sys
import time
from collections import Counter as Tally
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import tests.conftest as surroundings
from tests.clocks import SetClock
from tests.trust.product import frail_product
from tests.trust.story import Story, World

ROUND = 20  # sequences from one seed
ROUNDS = 4  # in one product
STEPS = 14


def told(world: World, number: int, *, small: bool) -> None:
    """One round. What breaks in it is raised; made `small` where there is the time."""

    @seed(number)
    class Round(Story):
        pass

    Round.world = world
    chosen = settings(
        max_examples=ROUND,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if small else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Round, settings=chosen)


def lived(seen: Tally[str], seeds: range, until: float, *, small: bool) -> Iterator[None]:
    """Rounds in one product, which grows slower with all that has happened in it."""
    clock = SetClock()
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        opened = frail_product(os.environ["DYNAMODB_ENDPOINT"], Path(folder), clock)
        world = World(runner, runner.run(opened.__aenter__()), clock, seen)
        for number in seeds:
            if time.monotonic() > until:
                break
            print(f"seed {number}: ", end="", flush=True)
            told(world, number, small=small)
            yield
        for name, proxy in world.product.weather.items():
            seen.update({f"{name}: {fault.name}": times for fault, times in proxy.met.items()})
        runner.run(opened.__aexit__(None, None, None))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--first", type=int, help="the seed to begin with")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    until, seen = time.monotonic() + asked.minutes * 60, Tally[str]()
    number = asked.seed or asked.first or secrets.randbelow(2**31)
    while time.monotonic() < until:
        rounds = 1 if asked.seed else ROUNDS
        for _ in lived(seen, range(number, number + rounds), until, small=asked.seed is not None):
            print(f"{seen['sequences']} sequences held", flush=True)
        number += rounds
        if asked.seed:
            break
    print(dict(seen))
    return 0


if __name__ == "__main__":
    print(f"region {surroundings.REGION}, loopback only")
    sys.exit(main())
