"""How long sending pauses, as a distribution over many upgrades, and what a plain restart of everything costs beside: `make bench-upgrade`."""

from __future__ import annotations

import os
import statistics
import subprocess
import time

import pytest
from conftest import FILE, Api, Cluster, Flow, are_healthy, changed, play, wait_for

UPGRADES = int(os.environ.get("WABA_UPGRADES", "0"))
pytestmark = pytest.mark.skipif(UPGRADES == 0, reason="by `make bench-upgrade` alone")


def test_pauses_of_many_upgrades(cluster: Cluster, apis: list[Api]) -> None:
    rolls, pauses, accepted, refused = [], [], 0, []
    for number in range(UPGRADES):
        playbook, arguments = (
            ("upgrade.yml", ("-e", "waba_version=1.1.0", "-e", "waba_upgrade_backup=false"))
            if number % 2 == 0
            else ("rollback.yml", ())
        )
        wait_for(lambda: are_healthy(apis), 90, "the cluster is healthy before")
        began = time.monotonic()
        with Flow(apis, cluster.coreapp_logs) as flow:
            assert changed(play(playbook, *arguments)) > 0
            rolls.append(time.monotonic() - began)
        pauses.append(sum(flow.handover_pauses()))
        accepted += len(flow.accepted)
        refused += flow.refused
        print(f"\nmeasured: {playbook} {number + 1} of {UPGRADES} in {rolls[-1]:.0f} s; {flow.summary()}")
    print(
        f"\nmeasured: {UPGRADES} rolls: {statistics.median(rolls):.0f} s (median); sending paused in each: "
        f"median {statistics.median(pauses):.2f} s, longest {max(pauses):.2f} s; {accepted} messages, {len(refused)} calls refused by both webapps"
    )
    assert refused == []


def test_a_plain_restart_of_everything(cluster: Cluster, apis: list[Api]) -> None:
    before, began = set(cluster.started()), time.monotonic()
    with Flow(apis, cluster.coreapp_logs) as flow:
        subprocess.run(
            ["docker", "compose", "-f", str(FILE), "up", "-d", "--force-recreate", "--quiet-pull"], check=True
        )
        seconds = time.monotonic() - began + wait_for(lambda: are_healthy(apis), 120, "the cluster is healthy after")
    assert not before & set(cluster.started())
    print(
        f"\nmeasured: plain restart of everything: whole after {seconds:.0f} s; {flow.summary()}; {len(flow.refused)} calls refused by both webapps"
    )
