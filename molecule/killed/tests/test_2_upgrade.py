"""upgrade.yml is killed several times under traffic; the last run upgrades every node."""

from __future__ import annotations

import random

from conftest import NEXT, SEED, Undisturbed, lost, no_logs, upgraded_state, webapp
from figures import figure
from flow import Flow
from hosts import Hosts
from killed_runs import CONTROLLER, GROUP, MODULES, Kill
from lab_runs import run
from steps import DUMP_DATABASE, ROLL, UPGRADE_SCHEMA
from trials import remove_cluster, trial

# At worst the owner of the shard is killed; the others detect this after unhealthy_interval, 30 s by default.
LONGEST_GAP = 45  # seconds


def test_killed_upgrade_is_resumed_without_a_lost_message(hosts: Hosts, site: Undisturbed) -> None:
    remove_cluster(hosts)
    assert run(hosts, "site.yml").status == 0
    draw = random.Random(SEED)
    # Later runs skip finished nodes, so each kill meets other nodes.
    kills = [
        Kill(0, draw.uniform(0.7, 1.4), MODULES, DUMP_DATABASE),  # while the module is in a file of Ansible
        Kill(0, draw.uniform(0.5, 3), GROUP, UPGRADE_SCHEMA),
    ]
    kills += [
        Kill(draw.randrange(1, 7), draw.choice((0, draw.uniform(0.2, 4))), scope, ROLL)
        for scope in (GROUP, CONTROLLER, MODULES)
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
