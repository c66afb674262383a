"""upgrade.yml is killed again and again while messages flow; the last one brings every node to the next version."""

from __future__ import annotations

import random

from conftest import NEXT, SEED, Undisturbed, figure, lost, no_logs, upgraded_state, webapp
from flow import Flow
from hosts import Hosts
from killed_runs import CONTROLLER, GROUP, MODULES, Kill
from lab_runs import run
from trials import remove_cluster, trial

# The owner of the shard dies with its host's modules at the worst; the others notice after unhealthy_interval, 30 s by default.
LONGEST_GAP = 45  # seconds


def test_it_goes_on_where_it_was_killed(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    assert run(hosts, "site.yml").status == 0
    draw = random.Random(SEED)
    # The nodes that are done drop out of the next run, so each kill finds others.
    kills = [
        Kill(0, draw.uniform(0.7, 1.4), MODULES, "Backup | Dump"),  # while Ansible has the module in a file
        Kill(0, draw.uniform(0.5, 3), GROUP, "Upgrade the schema"),
    ]
    kills += [
        Kill(draw.randrange(1, 7), draw.choice((0, draw.uniform(0.2, 4))), what, "Step by step")
        for what in (GROUP, CONTROLLER, MODULES)
    ]
    wanted = upgraded_state(hosts, site.state)
    with Flow([webapp(hosts, name) for name in ("master1", "master2")], no_logs) as flow:
        outcomes = trial(hosts, "upgrade.yml", NEXT, kills, wanted)
    for outcome in outcomes:
        figure("upgrade.yml", outcome)
    figure(
        "meanwhile",
        f"{len(flow.accepted)} messages accepted, longest gap {max(flow.gaps(), default=0):.1f} s, lost {len(lost(hosts, flow))}",
    )
    assert all(outcome.good for outcome in outcomes)
    assert lost(hosts, flow) == set()
    assert max(flow.gaps(), default=0) < LONGEST_GAP
