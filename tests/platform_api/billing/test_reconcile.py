"""`python -m platform_api reconcile`, run as an operator runs it."""

import asyncio
import subprocess
import sys

import pytest

from tests.e2e.installation import ROOT
from tests.platform_api.billing.world import World


@pytest.fixture(name="world")
def own_world(fresh_world: World) -> World:
    return fresh_world


async def command(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "platform_api", *arguments]
    return await asyncio.to_thread(
        subprocess.run, line, cwd=ROOT, env=world.environment(), capture_output=True, text=True, timeout=60
    )


async def test_an_unknown_command_says_how_it_is_used(world: World) -> None:
    ended = await command(world, "reconsile")
    assert (ended.returncode, "usage" in ended.stderr) == (2, True)


async def test_a_dry_run_tells_and_a_run_heals_and_then_nothing_is_left(world: World) -> None:
    user = await world.developer()
    await world.stripe.control("weather", drop=1.0)
    await world.subscribe(user)
    await world.settled()
    line = f"{user['id']}: nothing (no subscription) -> paid (active)\n"
    told = await command(world, "reconcile", "--dry-run")
    assert (told.returncode, told.stdout) == (0, line + "1 would be healed.\n")
    assert await world.limit(user) == 5
    healed = await command(world, "reconcile", "--user", user["id"])
    assert (healed.returncode, healed.stdout) == (0, line + "1 healed.\n")
    assert await world.limit(user) == 500
    assert (await command(world, "reconcile")).stdout == "0 healed.\n"
