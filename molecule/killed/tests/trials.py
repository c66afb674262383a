"""A trial: runs are killed, the next plain one must make of the cluster what an undisturbed one would."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import state
from hosts import Hosts
from killed_runs import Kill, Run
from lab_runs import run

WIPE = ("-e", "waba_wipe_volumes=true")


@dataclass
class Outcome:
    """What became of a run that was killed. Empty lists are good."""

    kill: Kill
    task: str
    differences: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    litter: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not (self.differences or self.restarted or self.litter)

    def __str__(self) -> str:
        found = [
            *self.differences,
            *(f"restarted {one}" for one in self.restarted),
            *(f"left {one}" for one in self.litter),
        ]
        return f"killed {self.kill} ({self.task}): {'; '.join(found) or 'converged'}, in {self.seconds:.0f} s"


def trial(
    hosts: Hosts, playbook: str, arguments: Sequence[str], kills: Sequence[Kill], wanted: dict[str, dict]
) -> list[Outcome]:
    """Kill a run, and each that follows it at once, then let one end; compare the cluster with `wanted`, the state after an undisturbed run."""
    outcomes: list[Outcome] = []
    before = None
    for kill in kills:
        killed = run(hosts, playbook, *arguments, kill=kill)
        after = state.look(hosts)
        if before:
            outcomes[-1].restarted = state.restarted(before, after, wanted)
        outcomes.append(Outcome(kill, killed.task or "(it had ended)"))
        before = after
    judge(hosts, outcomes[-1], run(hosts, playbook, *arguments), before, wanted)
    return outcomes


def judge(hosts: Hosts, outcome: Outcome, healing: Run, before: dict[str, dict], wanted: dict[str, dict]) -> None:
    """Fill in what became of it: `before` is the state in which the healing run began."""
    after = state.look(hosts)
    outcome.seconds = healing.seconds
    if healing.status != 0:
        outcome.differences.append(f"the next run failed:\n{healing.output[-3000:]}")
    outcome.differences += state.differences(wanted, after)
    outcome.restarted += state.restarted(before, after, wanted)
    outcome.litter = state.litter(wanted, after) + state.exposed(after) + state.controller_litter(hosts)


def remove_cluster(hosts: Hosts) -> None:
    """Take the cluster away, with its data and its secrets, whatever state it is in."""
    done = run(hosts, "uninstall.yml", *WIPE)
    assert done.status == 0, done.output
    with contextlib.suppress(FileNotFoundError):
        (hosts.folder / "waba_secrets.yml").unlink()
