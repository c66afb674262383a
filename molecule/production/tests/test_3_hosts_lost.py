"""Whole hosts are lost, or cut off; the cluster goes on within the rule's bound."""

from __future__ import annotations

import time

import pytest
from conftest import COREAPPS, UNHEALTHY, Api, Lab, changed, connected, figure, host_of, play, wait_for

# The rule's own time, and what a request needs that waits for a host which no longer answers at all.
BOUND = UNHEALTHY + 12


@pytest.mark.usefixtures("whole")
def test_host_of_the_connected_coreapp_is_lost(lab: Lab, api: Api) -> None:
    (victim,) = connected(api)
    lab.host(host_of(victim)).kill()
    seconds = wait_for(lambda: api.accepts("after a host was lost"), BOUND, "a message is accepted")
    figure(
        "host of the connected coreapp lost, with its engine", f"serving again after {seconds:.1f} s (bound {BOUND} s)"
    )
    (successor,) = connected(api)
    assert host_of(successor) != host_of(victim)


def test_the_host_comes_back_by_itself(lab: Lab, api: Api) -> None:
    (lost,) = lab.stopped()
    lost.start()
    seconds = wait_for(lambda: api.is_healthy(COREAPPS), 120, "the host's containers are back")
    figure("host started again", f"cluster whole after {seconds:.0f} s")


@pytest.mark.usefixtures("whole")
def test_host_of_the_connected_coreapp_is_cut_off(lab: Lab, api: Api) -> None:
    (victim,) = connected(api)
    host = host_of(victim)
    lab.disconnect_host(host)
    try:
        seconds = wait_for(lambda: api.accepts("during a partition"), BOUND, "a message is accepted")
        figure("host of the connected coreapp cut off", f"serving again after {seconds:.1f} s (bound {BOUND} s)")
        logs = lab.run(
            host,
            "for c in $(docker ps -q --filter label=waba.cluster.role=coreapp); do docker logs --since 60s $c 2>&1; done",
        )
        assert "disconnected: " in logs, "the one that is cut off gave the connection up by itself"
    finally:
        lab.connect_host(host)
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the host is back, and one coreapp alone is connected")
    assert connected(api) != [victim]


@pytest.mark.usefixtures("whole")
def test_host_of_the_primary_master_is_lost(lab: Lab, api: Api) -> None:
    (victim,) = [name for name, node in api.health().items() if node["role"] == "primary_master"]
    host = lab.host(host_of(victim))
    host.kill()
    try:
        seconds = wait_for(
            lambda: any(node["role"] == "primary_master" and name != victim for name, node in api.health().items()),
            BOUND,
            "another master is primary",
        )
        figure("host of the primary master lost", f"another is primary after {seconds:.1f} s (bound {BOUND} s)")
        assert api.accepts("with the new primary")
    finally:
        host.start()
    wait_for(lambda: api.is_healthy(COREAPPS), 120, "the host's containers are back")


def test_site_finds_nothing_to_mend_after_all_that(lab: Lab) -> None:
    time.sleep(1)
    before = lab.started()
    assert changed(play("playbooks/site.yml")) == 0
    assert lab.started() == before
