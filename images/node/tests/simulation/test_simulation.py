"""Whole clusters under faults, in virtual time. `make soak-simulation` runs more of them; docs/contribute/testing.md has what they prove."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .process import nothing
from .schedule import live, schedule, shrunk
from .test_mutations import never_disconnects_by_itself
from .world import Violation, World

SCHEDULES, PARTS = 2000, 10


@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_breaks_an_invariant(part: int) -> None:
    for seed in range(part, SCHEDULES, PARTS):
        live(seed)


@pytest.mark.parametrize("seed", [200_008_740, 600_014_457])
def test_what_a_soak_found_does_not_come_back(seed: int) -> None:
    live(seed)


def test_a_call_is_answered_or_fails_and_never_both() -> None:
    """What hung in the database is done when it goes on, within the caller's patience: the answer counts, and nothing comes after it."""
    world = World(1)
    outcomes = {number: [] for number in range(20)}
    world.database.pause()
    for number, told in outcomes.items():
        node = world.nodes[number % len(world.nodes)]
        world.call(
            node, ("db",), nothing, lambda _answer, told=told: told.append(1), lambda told=told: told.append(2), 10.0
        )
    world.run_for(5)
    world.database.resume()
    world.run_for(10)
    assert sorted(told[0] for told in outcomes.values()) != [2] * len(outcomes), "some hung"
    assert all(len(told) == 1 for told in outcomes.values())


def test_the_schedules_are_no_idle_ones() -> None:
    worlds = [live(seed) for seed in range(100)]
    assert sum(world.recovered_after > 0 for world in worlds) > 50
    assert sum(len(world.traffic.accepted) for world in worlds) > 1000
    assert sum(len(world.traffic.refused) for world in worlds) > 1000
    assert sum(world.traffic.duplicates() for world in worlds) > 10
    redrawn = [seed for seed, world in enumerate(worlds) if len(world.database.rows) != schedule(seed).shards]
    assert len(redrawn) > 5, "re-sharding under faults"


def test_a_seed_reproduces_a_run_in_any_process() -> None:
    """Sets of strings have another order in every process; no decision may hang on it."""
    show = "from tests.simulation.schedule import live; print(live(439).story(), live(440).story())"
    runs = [
        subprocess.run(
            [sys.executable, "-c", show],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": number},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for number in ("1", "30", "44")
    ]
    assert runs == [runs[0]] * 3
    assert "healed" in runs[0]


def test_a_failing_schedule_shrinks_to_the_faults_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    never_disconnects_by_itself(monkeypatch)
    seed = next(seed for seed in range(SCHEDULES) if fails(seed))
    whole = schedule(seed)
    small, violation = shrunk(whole)
    assert len(small.faults) < len(whole.faults)
    assert str(violation).startswith(f"seed {seed}: ")


def fails(seed: int) -> bool:
    try:
        live(seed)
    except Violation:
        return True
    return False
