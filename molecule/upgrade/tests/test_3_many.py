"""`make bench-upgrade`: the distribution of pauses over many upgrades, and the cost of a plain restart of everything."""

from __future__ import annotations

import os
import statistics
import subprocess
import time

import pytest
from conftest import FILE, Api, Cluster, Flow, are_healthy, changed, play, wait_for

UPGRADES = int(os.environ.get("WABA_UPGRADES", "0"))
pytestmark = pytest.mark.skipif(UPGRADES == 0, reason="only for `make bench-upgrade`")


def test_no_call_is_refused_during_many_upgrades(cluster: Cluster, apis: list[Api]) -> None:
    rolls: list[float] = []
    pauses: list[float] = []
    accepted = 0
    refused: list[str] = []
    for number in range(UPGRADES):
        playbook, arguments = (
            ("upgrade.yml", ("-e", "waba_version=1.1.0", "-e", "waba_upgrade_backup=false"))
            if number % 2 == 0
            else ("rollback.yml", ())
        )
        wait_for(lambda: are_healthy(apis), 90, "the cluster is healthy before the roll")
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


def test_plain_restart_replaces_every_container(cluster: Cluster, apis: list[Api]) -> None:
    before, began = set(cluster.started()), time.monotonic()
    with Flow(apis, cluster.coreapp_logs) as flow:
        subprocess.run(
            ["docker", "compose", "-f", str(FILE), "up", "-d", "--force-recreate", "--quiet-pull"], check=True
        )
        seconds = (
            time.monotonic()
            - began
            + wait_for(lambda: are_healthy(apis), 120, "the cluster is healthy after the restart")
        )
    assert not before & set(cluster.started())
    print(
        f"\nmeasured: plain restart of everything: healthy after {seconds:.0f} s; {flow.summary()}; {len(flow.refused)} calls refused by both webapps"
    )
