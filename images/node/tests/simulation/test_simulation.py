"""Whole clusters under faults, in virtual time. A failing seed is run again by `python3 -m tests.simulation --first SEED --schedules 1`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from waba_node.control.lease import Lease

from . import processes
from .schedule import live
from .world import Violation

SCHEDULES = 600


@pytest.mark.parametrize("first", range(0, SCHEDULES, 100))
def test_no_schedule_breaks_an_invariant(first: int) -> None:
    for seed in range(first, first + 100):
        live(seed)


def live_all(schedules: int) -> None:
    for seed in range(schedules):
        live(seed)


def test_a_seed_reproduces_a_run_in_any_process() -> None:
    """Sets of strings have another order in every process; no decision may hang on it."""
    show = "from tests.simulation.schedule import live; print(*live(439).trace, sep=chr(10))"
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


def test_the_simulation_sees_a_coreapp_that_does_not_fence_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "window", lambda unhealthy_interval: 10 * unhealthy_interval)
    with pytest.raises(Violation, match="two coreapps are connected"):
        live_all(SCHEDULES)


def test_the_simulation_sees_a_master_that_overstays_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease, "held", lambda lease, now: lease.epoch is not None)
    with pytest.raises(Violation, match="two masters act as primary"):
        live_all(SCHEDULES)
