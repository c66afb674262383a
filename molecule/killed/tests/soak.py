"""Kills site.yml, upgrade.yml and uninstall.yml at every boundary between two tasks, and shows what the next run made of each.

Each run of a playbook is killed one boundary after the former one, until one ends: so each kill finds what it would find in a first run.
With --each, every boundary gets two kills of its own, each from the same state, and an undisturbed run after it; that takes hours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click
import state
from conftest import NEXT, Undisturbed, undisturbed, upgraded_state
from hosts import Hosts
from killed_runs import CONTROLLER, GROUP, MODULES, Kill
from lab_runs import run
from trials import WIPE, Outcome, judge, remove_cluster, trial

Row = tuple[str, Outcome]


@dataclass
class FirstUnseen(Kill):
    """A kill at the first boundary that was not met in this state of the cluster before."""

    seen: frozenset = frozenset()

    def is_due(self, number: int, name: str) -> bool:
        self.boundary = number
        return (number, name) not in self.seen


def ways(tasks: list[tuple[str, float]], number: int, draw: random.Random) -> list[Kill]:
    """Return the two kills of a boundary: at it, and within the task that follows."""
    within = draw.uniform(0.1, 0.9) * tasks[number][1]
    return [Kill(number, 0.0, GROUP), Kill(number, within, draw.choice((GROUP, CONTROLLER, MODULES)))]


def every(
    hosts: Hosts, playbook: str, arguments: tuple, found: Undisturbed, reset: Callable, draw: random.Random
) -> Iterator[Row]:
    """Try each boundary on its own, from the same state."""
    for number in range(len(found.run.tasks)):
        for kill in ways(found.run.tasks, number, draw):
            reset()
            for outcome in trial(hosts, playbook, arguments, [kill], found.state):
                yield playbook, outcome


def ratchet(
    hosts: Hosts, playbook: str, arguments: tuple, wanted: dict[str, dict], draw: random.Random
) -> Iterator[Row]:
    """Kill a run at its first boundary, the next at its second and so on, until one ends; anew with each node that is done, since it drops out."""
    seen: dict[tuple, set] = {}
    before, outcome = state.look(hosts), None
    while True:
        progress = tuple(sorted(one["id"] for facts in before.values() for one in facts["containers"].values()))
        known = seen.setdefault(
            progress, {(number, name) for other in seen.values() for number, name in other if "Roll" not in name}
        )
        kill = FirstUnseen(
            -1,
            draw.choice((0.0, draw.uniform(0.1, 3))),
            draw.choice((GROUP, CONTROLLER, MODULES)),
            seen=frozenset(known),
        )
        done = run(hosts, playbook, *arguments, kill=kill)
        after = state.look(hosts)
        if outcome:
            outcome.seconds, outcome.restarted = done.seconds, state.restarted(before, after, wanted)
            yield playbook, outcome
        if not done.task:
            break
        known.add((kill.boundary, done.task))
        outcome, before = Outcome(kill, done.task), after
    last = Outcome(Kill(len(done.tasks), 0.0, "nothing"), "(the run ended)")
    judge(hosts, last, run(hosts, playbook, *arguments), after, wanted)
    yield playbook, last


def rows(hosts: Hosts, playbooks: tuple[str, ...], each: bool, draw: random.Random) -> Iterator[Row]:
    remove_cluster(hosts)
    site = undisturbed(hosts, "site.yml")
    if "site" in playbooks:
        if each:
            yield from every(hosts, "site.yml", (), site, lambda: remove_cluster(hosts), draw)
        else:
            remove_cluster(hosts)
            yield from ratchet(hosts, "site.yml", (), site.state, draw)
    if "upgrade" in playbooks:
        # Never from the same state: the nodes that are done drop out, and that is what is looked at.
        started(hosts)
        yield from ratchet(hosts, "upgrade.yml", NEXT, upgraded_state(hosts, site.state), draw)
    if "uninstall" in playbooks:
        started(hosts)
        bare = undisturbed(hosts, "uninstall.yml", *WIPE)
        if each:
            yield from every(hosts, "uninstall.yml", WIPE, bare, lambda: started(hosts), draw)
        else:
            started(hosts)
            yield from ratchet(hosts, "uninstall.yml", WIPE, bare.state, draw)


def started(hosts: Hosts) -> None:
    remove_cluster(hosts)
    assert run(hosts, "site.yml").status == 0


@click.command(help=__doc__)
@click.option("--playbook", "playbooks", multiple=True, default=("site", "upgrade", "uninstall"), show_default=True)
@click.option("--each", is_flag=True, help="Kill every boundary twice, each time from the same state.")
@click.option("--minutes", default=120.0, show_default=True, help="No kill comes later.")
@click.option("--seed", type=int, default=lambda: random.randrange(10**6), help="Which moments; shown.")
def main(playbooks: tuple[str, ...], each: bool, minutes: float, seed: int) -> None:
    click.echo(f"seed {seed}")
    began, told = time.monotonic(), []
    for playbook, outcome in rows(Hosts("killed"), playbooks, each, random.Random(seed)):
        told.append((playbook, outcome))
        click.echo(f"{time.monotonic() - began:5.0f} s  {playbook}: {outcome}")
        if time.monotonic() - began > 60 * minutes:
            click.echo("The time is up; boundaries are left.")
            break
    click.echo(f"\n{'playbook':14} {'boundary':44} {'converged':10} {'restarted':10} {'leftovers':10} task")
    for playbook, one in told:
        click.echo(
            f"{playbook:14} {one.kill!s:44} {'no' if one.differences else 'yes':10} {len(one.restarted):<10} {len(one.litter):<10} {one.task}"
        )
    bad = sum(not one.good for _playbook, one in told)
    click.echo(f"{len(told)} kills, {len(told) - bad} converged with nothing restarted and nothing left, {bad} did not")
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
