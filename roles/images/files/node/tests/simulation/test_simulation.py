"""Whole clusters under faults, in virtual time. `make soak-simulation` runs more of them; docs/contribute/testing.md describes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from .__main__ import soak
from .mutations import never_disconnects_by_itself
from .schedule import CLOUD, WEBSOCKET, live, schedule, shrunk
from .world import Violation, World

SCHEDULES, CLOUD_SCHEDULES, PARTS = 1000, 50, 10  # one with the Cloud API takes as long as ten others


@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_breaks_an_invariant(part: int) -> None:
    for seed in range(part, SCHEDULES, PARTS):
        live(seed)
    for seed in range(part, CLOUD_SCHEDULES, PARTS):
        live(seed, CLOUD)


@pytest.mark.parametrize(
    ("seed", "upstream"),
    [
        (200_008_740, WEBSOCKET),
        (600_014_457, WEBSOCKET),
        (19_630, CLOUD),
        (31_770, CLOUD),
        (87_860, CLOUD),
        (15_120, CLOUD),
    ],
)
def test_a_violation_that_a_soak_found_does_not_return(seed: int, upstream: str) -> None:
    live(seed, upstream)


def ignoring(action: Callable[[], object]) -> Callable[[object], object]:
    """Return an action that takes an answer."""
    return lambda _answer: action()


def test_a_call_is_answered_or_fails_and_never_both() -> None:
    """A request that waits in a paused database is done when the database continues; its answer counts within the caller's patience."""
    world = World(1)
    outcomes: dict[int, list[str]] = {number: [] for number in range(20)}
    world.database.pause()
    for number, outcome in outcomes.items():
        node = world.nodes[number % len(world.nodes)]
        answered, failed = partial(outcome.append, "answered"), partial(outcome.append, "failed")
        world.call(node, ("db",), lambda: None, ignoring(answered), failed, 10.0)
    world.run_for(5)
    world.database.resume()
    world.run_for(10)
    assert all(len(outcome) == 1 for outcome in outcomes.values())
    assert {outcome[0] for outcome in outcomes.values()} == {"answered", "failed"}


def test_the_schedules_exercise_what_they_claim() -> None:
    worlds = [live(seed) for seed in range(100)]
    assert sum(world.recovered_after > 0 for world in worlds) > 50
    assert sum(len(world.traffic.accepted) for world in worlds) > 1000
    assert sum(len(world.traffic.refused) for world in worlds) > 1000
    assert sum(world.traffic.duplicates() for world in worlds) > 10
    assert sum(len(world.database.lost) for world in worlds) > 0, "lost commits"
    assert len({world.database.offset for world in worlds}) > 20, "clocks of the database"
    redrawn = [seed for seed, world in enumerate(worlds) if len(world.database.rows) != schedule(seed).shards]
    assert len(redrawn) > 5, "re-sharding under faults"


def test_the_schedules_of_the_cloud_api_exercise_what_they_claim() -> None:
    worlds = [live(seed, CLOUD) for seed in range(CLOUD_SCHEDULES, CLOUD_SCHEDULES + 10)]
    assert sum(world.upstream.received.total() for world in worlds) > 200
    assert sum(world.uncertain for world in worlds) > 0
    assert sum(message.status == "failed" for world in worlds for message in world.database.messages.values()) > 5
    updates = [update for world in worlds for update in world.upstream.updates.values()]
    assert sum(update.accepted for update in updates) > 500
    assert sum(update.posts > 1 for update in updates) > 50


def test_a_seed_reproduces_a_run_in_any_process() -> None:
    """Sets of strings have another order in every process; no decision may depend on it."""
    show = "from tests.simulation.schedule import live; print(live(439).story(), live(440).story(), live(53, 'cloud').story())"
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


def test_a_failing_schedule_shrinks_to_the_necessary_faults(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_soak_continues_from_its_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.json"
    assert soak(0, 200, 1, state) == []
    before = state.read_text()
    assert soak(0, 200, 1, state) == []
    assert json.loads(state.read_text())["counts"] == json.loads(before)["counts"], "nothing ran twice"
    assert soak(1, 100, 1, state) == []
    assert "the soak starts again" in capsys.readouterr().out
