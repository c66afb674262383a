"""How long a shard goes unserved, fault by fault: the bounds that the project promises."""

from __future__ import annotations

import pytest

from . import faults
from .process import Process
from .world import DEFAULT, FAST, World

SEEDS = range(5)
SOON = 2.5  # seconds


def calm_world(seed: int, settings: tuple[int, int] = FAST, **options: int) -> World:
    world = World(seed, settings=settings, **options)
    assert world.run_until(world.served, 10) is not None, "a fresh cluster serves within seconds"
    world.run_for(2 * settings[0])
    return world


def another(world: World, former: str):
    """Return a condition: somebody else is connected."""
    return lambda: any(node.name != former for node in world.connected_for(0))


def cut_off_from_database(world: World, process: Process) -> None:
    world.separate(process.name, "db")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("settings", [FAST, DEFAULT], ids=["fast", "default"])
@pytest.mark.parametrize(
    ("fault", "beyond"), [(faults.crash, 5), (faults.freeze, 5), (faults.isolate, 8), (cut_off_from_database, 10)]
)
def test_a_lost_owner_is_replaced_within_the_bound(fault, beyond: int, settings, seed: int) -> None:
    """`beyond`: seconds after unhealthy_interval. One that can still prove itself must first hear that it is demoted."""
    world = calm_world(seed, settings)
    (owner,) = world.connected_for(0)
    fault(world, owner)
    seconds = world.run_until(another(world, owner.name), settings[1] + beyond)
    assert seconds is not None, world.story()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_owner_that_is_told_to_stop_is_replaced_at_once(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    faults.stop(world, owner)
    assert world.run_until(another(world, owner.name), DEFAULT[0] + SOON) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_with_one_master_alone_the_reports_decide(seed: int) -> None:
    world = calm_world(seed, masters=1)
    (owner,) = world.connected_for(0)
    world.run_for(60)
    faults.crash(world, owner)
    seconds = world.run_until(another(world, owner.name), 130)
    assert seconds is not None
    assert seconds > 60, "its last report is younger than two minutes until then"


@pytest.mark.parametrize("seed", SEEDS)
def test_another_master_takes_over_and_no_shard_moves(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    (primary,) = [one for one in world.masters if one.lease.held(one.clock())]
    faults.crash(world, primary)
    others = [one for one in world.masters if one is not primary]
    held = world.run_until(lambda: any(one.lease.held(one.clock()) for one in others), 15 + 5 + SOON)
    assert held is not None
    world.run_for(60)
    assert world.connected_for(0) == [owner]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_interval_lowered_while_running_counts_once_the_last_proof_has_run_out(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    world.change_settings(FAST)
    world.run_for(DEFAULT[1])
    (owner,) = world.connected_for(0)
    faults.crash(world, owner)
    assert world.run_until(another(world, owner.name), FAST[1] + SOON) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_an_owner_cut_off_from_everything_keeps_quiet_before_anyone_takes_over(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    faults.isolate(world, owner)
    cut_off_from_database(world, owner)
    assert world.run_until(lambda: owner.connected is None, 0.7 * DEFAULT[1] * 1.05 + 0.2) is not None
    assert not another(world, owner.name)()


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_spare_an_owner_that_the_masters_cannot_hear_serves_on(seed: int) -> None:
    world = calm_world(seed, coreapps=1)
    (owner,) = world.connected_for(0)
    faults.isolate(world, owner)
    world.run_for(60)
    assert world.connected_for(0) == [owner]
