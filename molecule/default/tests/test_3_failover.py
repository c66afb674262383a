"""A node is lost; the cluster serves again within its time limit."""

from __future__ import annotations

import signal
import time

import pytest
from conftest import DEFAULT_UNHEALTHY, HEARTBEAT, UNHEALTHY, Api, Cluster, changed, play, wait_for

RECOVERY_LIMIT = UNHEALTHY + 5


@pytest.fixture
def healthy(api: Api) -> None:
    wait_for(api.is_healthy, 60, "the cluster is healthy before the fault")
    # The lowered interval takes full effect once the last renewal under the default interval has expired.
    time.sleep(max(2 * HEARTBEAT, api.intervals_set_at + DEFAULT_UNHEALTHY - time.monotonic()))


@pytest.mark.usefixtures("healthy")
def test_sending_continues_after_the_connected_coreapp_is_killed(cluster: Cluster, api: Api) -> None:
    (victim,) = api.nodes(role="coreapp", gateway_status="connected")
    cluster.engine.containers.get(victim).kill()
    seconds = wait_for(
        lambda: api.accepts("after the kill"), RECOVERY_LIMIT, "a message is accepted after the connected coreapp died"
    )
    print(f"\nconnected coreapp killed: sending again after {seconds:.1f} s (limit {RECOVERY_LIMIT} s)")
    (successor,) = api.nodes(role="coreapp", gateway_status="connected")
    assert successor != victim


def test_site_starts_the_killed_coreapp_and_changes_nothing_else(cluster: Cluster, api: Api) -> None:
    (killed,) = [one for one in cluster.containers() if one.status == "exited"]
    others = {container: moment for container, moment in cluster.started().items() if container != killed.id}
    assert changed(play("playbooks/site.yml")) == 1
    now = cluster.started()
    assert {container: now[container] for container in others} == others
    assert api.is_healthy()


@pytest.mark.usefixtures("healthy")
def test_another_master_takes_over_after_the_primary_is_killed(cluster: Cluster, api: Api) -> None:
    (victim,) = api.nodes(role="primary_master")
    container = cluster.engine.containers.get(victim)
    container.kill()
    seconds = wait_for(
        lambda: set(api.nodes(role="primary_master")) - {victim}, RECOVERY_LIMIT, "another master is primary"
    )
    print(f"\nprimary master killed: another after {seconds:.1f} s (limit {RECOVERY_LIMIT} s)")
    assert api.accepts("with the new primary")
    container.start()


@pytest.mark.usefixtures("healthy")
def test_messages_are_accepted_without_any_master(cluster: Cluster, api: Api) -> None:
    masters = [one for one in cluster.containers() if one.labels["waba.cluster.role"] == "master"]
    for master in masters:
        master.kill()
    # Longer than any lease or fence, so what still works afterwards needs no master.
    deadline = time.monotonic() + 4 * UNHEALTHY
    while time.monotonic() < deadline:
        assert api.accepts("without masters")
        time.sleep(0.5)
    refused = api.call("PATCH", "settings/application", {"sent_status": True})
    assert refused.json()["errors"][0]["code"] == 1017
    for master in masters:
        master.start()


@pytest.mark.usefixtures("healthy")
def test_sending_continues_after_the_database_restarts(cluster: Cluster, api: Api) -> None:
    cluster.container("db").restart()
    wait_for(
        lambda: api.accepts("after the database came back"), 60, "a message is accepted after the database came back"
    )
    wait_for(api.is_healthy, 60, "the cluster is healthy after the database came back")


def test_node_that_waits_for_the_database_ends_at_a_signal(cluster: Cluster) -> None:
    image = cluster.container("wacore1").attrs["Config"]["Image"]
    account = {"WA_DB_HOSTNAME": "127.0.0.1", "WA_DB_PORT": "1", "WA_DB_USERNAME": "waba", "WA_DB_PASSWORD": "unused"}
    environment = {"WA_APP_MULTICONNECT": "1", "COREAPP_HOSTNAME": "waiting", **account}
    node = cluster.engine.containers.run(image, environment=environment, network_mode="none", detach=True)
    try:
        wait_for(lambda: b"database" in node.logs(), 30, "the node waits for the database")
        node.stop(timeout=60)
        assert node.wait()["StatusCode"] == 128 + signal.SIGTERM, "it was killed after the time limit of the stop"
    finally:
        node.remove(force=True)


def test_database_ends_at_a_signal_during_its_first_start(cluster: Cluster) -> None:
    image = cluster.container("db").attrs["Config"]["Image"]
    server = cluster.engine.containers.run(
        image, environment={"MYSQL_ROOT_PASSWORD": "unused"}, network_mode="none", detach=True
    )
    try:
        wait_for(lambda: b"initializing" in server.logs(), 30, "the data directory is initialized")
        server.stop(timeout=60)
        assert server.wait()["StatusCode"] == 128 + signal.SIGTERM, "it was killed after the time limit of the stop"
    finally:
        server.remove(force=True, v=True)
