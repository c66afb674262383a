"""A host is lost or disconnected; the cluster serves again within its time limit."""

from __future__ import annotations

import time

import pytest
from conftest import COREAPPS, UNHEALTHY, Api, Lab, changed, connected, host_of, play, wait_for
from figures import figure

# The time of the failure detector, and of a request that waits for an unreachable host.
RECOVERY_LIMIT = UNHEALTHY + 12


@pytest.mark.usefixtures("healthy")
def test_sending_continues_after_the_host_of_the_connected_coreapp_is_lost(lab: Lab, api: Api) -> None:
    (victim,) = connected(api)
    lab.host(host_of(victim)).kill()
    seconds = wait_for(lambda: api.accepts("after a host was lost"), RECOVERY_LIMIT, "a message is accepted")
    figure(
        "host of the connected coreapp lost, with its engine",
        f"serving again after {seconds:.1f} s (limit {RECOVERY_LIMIT} s)",
    )
    (successor,) = connected(api)
    assert host_of(successor) != host_of(victim)


def test_restarted_host_rejoins_without_a_run(lab: Lab, api: Api) -> None:
    (lost,) = lab.stopped()
    lost.start()
    seconds = wait_for(lambda: api.is_healthy(COREAPPS), 120, "the host's containers are back")
    figure("host started again", f"cluster healthy after {seconds:.0f} s")


@pytest.mark.usefixtures("healthy")
def test_disconnected_coreapp_gives_up_its_connection_and_another_takes_over(lab: Lab, api: Api) -> None:
    (victim,) = connected(api)
    host = host_of(victim)
    lab.disconnect_host(host)
    try:
        seconds = wait_for(lambda: api.accepts("during a partition"), RECOVERY_LIMIT, "a message is accepted")
        figure(
            "host of the connected coreapp disconnected",
            f"serving again after {seconds:.1f} s (limit {RECOVERY_LIMIT} s)",
        )
        logs = lab.run(
            host,
            "for c in $(docker ps -q --filter label=waba.cluster.role=coreapp); do docker logs --since 60s $c 2>&1; done",
        )
        assert "disconnected: " in logs, "the disconnected coreapp gives up its connection"
    finally:
        lab.connect_host(host)
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the host is back, and exactly one coreapp is connected")
    assert connected(api) != [victim]


@pytest.mark.usefixtures("healthy")
def test_another_master_takes_over_after_the_host_of_the_primary_is_lost(lab: Lab, api: Api) -> None:
    (victim,) = [name for name, node in api.health().items() if node["role"] == "primary_master"]
    host = lab.host(host_of(victim))
    host.kill()
    try:
        seconds = wait_for(
            lambda: any(node["role"] == "primary_master" and name != victim for name, node in api.health().items()),
            RECOVERY_LIMIT,
            "another master is primary",
        )
        figure(
            "host of the primary master lost", f"another is primary after {seconds:.1f} s (limit {RECOVERY_LIMIT} s)"
        )
        assert api.accepts("with the new primary")
    finally:
        host.start()
    wait_for(lambda: api.is_healthy(COREAPPS), 120, "the host's containers are back")


def test_site_changes_nothing_after_the_faults(lab: Lab) -> None:
    time.sleep(1)
    before = lab.started()
    assert changed(play("playbooks/site.yml")) == 0
    assert lab.started() == before
