"""Nodes die; the cluster goes on within the rule's bound."""

from __future__ import annotations

import time

import pytest
from conftest import DEFAULT_UNHEALTHY, HEARTBEAT, UNHEALTHY, Api, Cluster, changed, play, wait_for

BOUND = UNHEALTHY + 5


@pytest.fixture
def whole(api: Api) -> None:
    wait_for(api.is_healthy, 60, "the cluster is healthy before the fault")
    # The lowered interval counts in full once the last proof under the default one has run out.
    time.sleep(max(2 * HEARTBEAT, api.intervals_set_at + DEFAULT_UNHEALTHY - time.monotonic()))


@pytest.mark.usefixtures("whole")
def test_connected_coreapp_is_killed(cluster: Cluster, api: Api) -> None:
    (victim,) = api.nodes(role="coreapp", gateway_status="connected")
    cluster.engine.containers.get(victim).kill()
    seconds = wait_for(
        lambda: api.accepts("after the kill"), BOUND, "a message is accepted after the connected coreapp died"
    )
    print(f"\nconnected coreapp killed: sending again after {seconds:.1f} s (bound {BOUND} s)")
    (successor,) = api.nodes(role="coreapp", gateway_status="connected")
    assert successor != victim


def test_site_brings_the_dead_one_back_and_touches_nothing_else(cluster: Cluster, api: Api) -> None:
    (dead,) = [one for one in cluster.containers() if one.status == "exited"]
    others = {container: at for container, at in cluster.started().items() if container != dead.id}
    assert changed(play("playbooks/site.yml")) == 1
    now = cluster.started()
    assert {container: now[container] for container in others} == others
    assert api.is_healthy()


@pytest.mark.usefixtures("whole")
def test_primary_master_is_killed(cluster: Cluster, api: Api) -> None:
    (victim,) = api.nodes(role="primary_master")
    container = cluster.engine.containers.get(victim)
    container.kill()
    seconds = wait_for(lambda: set(api.nodes(role="primary_master")) - {victim}, BOUND, "another master is primary")
    print(f"\nprimary master killed: another after {seconds:.1f} s (bound {BOUND} s)")
    assert api.accepts("with the new primary")
    container.start()


@pytest.mark.usefixtures("whole")
def test_every_master_stopped(cluster: Cluster, api: Api) -> None:
    masters = [one for one in cluster.containers() if one.labels["waba.cluster.role"] == "master"]
    for master in masters:
        master.kill()
    # Longer than any lease or fence lives: what still works afterwards needs no master.
    deadline = time.monotonic() + 4 * UNHEALTHY
    while time.monotonic() < deadline:
        assert api.accepts("without masters")
        time.sleep(0.5)
    refused = api.call("PATCH", "settings/application", {"sent_status": True})
    assert refused.json()["errors"][0]["code"] == 1017
    for master in masters:
        master.start()


@pytest.mark.usefixtures("whole")
def test_database_restarts(cluster: Cluster, api: Api) -> None:
    cluster.container("db").restart()
    wait_for(
        lambda: api.accepts("after the database came back"), 60, "a message is accepted after the database came back"
    )
    wait_for(api.is_healthy, 60, "the cluster is healthy after the database came back")
