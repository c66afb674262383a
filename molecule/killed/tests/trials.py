"""A trial: runs are killed, and the next run must reach the state of an undisturbed run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import state
from hosts import Hosts
from killed_runs import Kill, Run
from lab_runs import run
from state import State

WIPE = ("-e", "waba_wipe_volumes=true")


@dataclass
class Outcome:
    """The result of a killed run and of the run after it. Empty lists are good."""

    kill: Kill | None  # None: an accident
    task: str
    differences: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not (self.differences or self.restarted or self.leftovers)

    def __str__(self) -> str:
        found = [
            *self.differences,
            *(f"restarted {one}" for one in self.restarted),
            *(f"left {one}" for one in self.leftovers),
        ]
        return f"killed {self.kill} ({self.task}): {'; '.join(found) or 'converged'}, in {self.seconds:.0f} s"


def trial(hosts: Hosts, playbook: str, arguments: Sequence[str], kills: Sequence[Kill], wanted: State) -> list[Outcome]:
    """Kill one run after the other, then let a run end; compare the cluster with `wanted`, the state after an undisturbed run."""
    outcomes: list[Outcome] = []
    before: State = {}
    for kill in kills:
        killed = run(hosts, playbook, *arguments, kill=kill)
        after = state.observe(hosts)
        if before:
            outcomes[-1].restarted = state.restarted(before, after, wanted)
        outcomes.append(Outcome(kill, killed.task or "(it ended before)"))
        before = after
    assess(hosts, outcomes[-1], run(hosts, playbook, *arguments), before, wanted)
    return outcomes


def assess(hosts: Hosts, outcome: Outcome, next_run: Run, before: State, wanted: State) -> None:
    """Complete an outcome. before: the state in which the next run began."""
    after = state.observe(hosts)
    outcome.seconds = next_run.seconds
    if next_run.status != 0:
        outcome.differences.append(f"the next run failed:\n{next_run.output[-3000:]}")
    outcome.differences += state.differences(wanted, after)
    outcome.restarted += state.restarted(before, after, wanted)
    outcome.leftovers = state.leftovers(wanted, after) + state.exposed(after) + state.controller_leftovers(hosts)


def remove_cluster(hosts: Hosts) -> None:
    """Remove the cluster with its data and its secrets, in any state."""
    done = run(hosts, "uninstall.yml", *WIPE)
    assert done.status == 0, done.output
    with contextlib.suppress(FileNotFoundError):
        (hosts.folder / "waba_secrets.yml").unlink()
