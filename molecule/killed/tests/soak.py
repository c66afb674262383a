"""Kill site.yml, upgrade.yml and uninstall.yml at each boundary between two tasks, and print the result of the next run.

Each run of a playbook is killed one boundary after the former one, until a run ends: each kill meets the state of a first run.
With --each, every boundary gets two kills, each from the same state, followed by an undisturbed run; this takes hours.
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
from state import State
from trials import WIPE, Outcome, assess, remove_cluster, trial

Row = tuple[str, Outcome]


@dataclass
class FirstUnseenBoundary(Kill):
    """A kill at the first boundary that no earlier run met in this state of the cluster."""

    seen: frozenset[tuple[int, str]] = frozenset()

    def is_due(self, number: int, name: str) -> bool:
        self.boundary = number
        return (number, name) not in self.seen


def ways(tasks: list[tuple[str, float]], number: int, draw: random.Random) -> list[Kill]:
    """Return the two kills of a boundary: at the boundary, and within the next task."""
    within = draw.uniform(0.1, 0.9) * tasks[number][1]
    return [Kill(number, 0.0, GROUP), Kill(number, within, draw.choice((GROUP, CONTROLLER, MODULES)))]


def kill_each_boundary(
    hosts: Hosts,
    playbook: str,
    arguments: tuple[str, ...],
    undisturbed_run: Undisturbed,
    reset: Callable[[], None],
    draw: random.Random,
) -> Iterator[Row]:
    """Kill at each boundary, always from the same state."""
    for number in range(len(undisturbed_run.run.tasks)):
        for kill in ways(undisturbed_run.run.tasks, number, draw):
            reset()
            for outcome in trial(hosts, playbook, arguments, [kill], undisturbed_run.state):
                yield playbook, outcome


def kill_progressively(
    hosts: Hosts, playbook: str, arguments: tuple[str, ...], wanted: State, draw: random.Random
) -> Iterator[Row]:
    """Kill a run at its first boundary, the next at its second and so on, until a run ends.

    The sequence restarts whenever a node is finished, since later runs skip that node.
    """
    seen: dict[tuple[str, ...], set[tuple[int, str]]] = {}
    before = state.observe(hosts)
    outcome: Outcome | None = None
    while True:
        progress = tuple(sorted(one["id"] for facts in before.values() for one in facts["containers"].values()))
        known = seen.setdefault(
            progress,
            {
                (number, name)
                for other in seen.values()
                for number, name in other
                if " : Roll |" not in name and " : Step |" not in name
            },
        )
        kill = FirstUnseenBoundary(
            -1,
            draw.choice((0.0, draw.uniform(0.1, 3))),
            draw.choice((GROUP, CONTROLLER, MODULES)),
            seen=frozenset(known),
        )
        done = run(hosts, playbook, *arguments, kill=kill)
        after = state.observe(hosts)
        if outcome:
            outcome.seconds, outcome.restarted = done.seconds, state.restarted(before, after, wanted)
            yield playbook, outcome
        if not done.task:
            break
        known.add((kill.boundary, done.task))
        outcome, before = Outcome(kill, done.task), after
    last = Outcome(Kill(len(done.tasks), 0.0, "nothing"), "(the run ended)")
    assess(hosts, last, run(hosts, playbook, *arguments), after, wanted)
    yield playbook, last


def rows(hosts: Hosts, playbooks: tuple[str, ...], each: bool, draw: random.Random) -> Iterator[Row]:
    remove_cluster(hosts)
    site = undisturbed(hosts, "site.yml")
    if "site" in playbooks:
        if each:
            yield from kill_each_boundary(hosts, "site.yml", (), site, lambda: remove_cluster(hosts), draw)
        else:
            remove_cluster(hosts)
            yield from kill_progressively(hosts, "site.yml", (), site.state, draw)
    if "upgrade" in playbooks:
        # The state differs each time: finished nodes are skipped, and that is under test.
        deploy_anew(hosts)
        yield from kill_progressively(hosts, "upgrade.yml", NEXT, upgraded_state(hosts, site.state), draw)
    if "uninstall" in playbooks:
        deploy_anew(hosts)
        bare = undisturbed(hosts, "uninstall.yml", *WIPE)
        if each:
            yield from kill_each_boundary(hosts, "uninstall.yml", WIPE, bare, lambda: deploy_anew(hosts), draw)
        else:
            deploy_anew(hosts)
            yield from kill_progressively(hosts, "uninstall.yml", WIPE, bare.state, draw)


def deploy_anew(hosts: Hosts) -> None:
    remove_cluster(hosts)
    assert run(hosts, "site.yml").status == 0


@click.command(help=__doc__)
@click.option("--playbook", "playbooks", multiple=True, default=("site", "upgrade", "uninstall"), show_default=True)
@click.option("--each", is_flag=True, help="Kill every boundary twice, each time from the same state.")
@click.option("--minutes", default=120.0, show_default=True, help="Stop after this time.")
@click.option("--seed", type=int, default=lambda: random.randrange(10**6), help="Seed of the random moments; printed.")
def main(playbooks: tuple[str, ...], each: bool, minutes: float, seed: int) -> None:
    click.echo(f"seed {seed}")
    began = time.monotonic()
    results: list[Row] = []
    for playbook, outcome in rows(Hosts("killed"), playbooks, each, random.Random(seed)):
        results.append((playbook, outcome))
        click.echo(f"{time.monotonic() - began:5.0f} s  {playbook}: {outcome}")
        if time.monotonic() - began > 60 * minutes:
            click.echo("The time is over; some boundaries were not tested.")
            break
    click.echo(f"\n{'playbook':14} {'boundary':44} {'converged':10} {'restarted':10} {'leftovers':10} task")
    for playbook, one in results:
        click.echo(
            f"{playbook:14} {one.kill!s:44} {'no' if one.differences else 'yes':10} {len(one.restarted):<10} {len(one.leftovers):<10} {one.task}"
        )
    bad = sum(not one.good for _playbook, one in results)
    click.echo(
        f"{len(results)} kills, {len(results) - bad} converged without a needless restart or a leftover, {bad} did not"
    )
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
