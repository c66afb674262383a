"""Rotations of all secrets that are killed at points spread over the run. The next run converges, and no client notices either."""

from __future__ import annotations

import time

import pytest
from conftest import INVENTORY, Cluster, are_healthy, play, rotating, secrets, unfinished
from figures import figure
from flow import Flow
from killed_runs import CONTROLLER, GROUP, Kill, run_and_kill
from plays import changed
from receiver import Receiver

ALL = (
    *("waba_database_password", "waba_database_root_password"),
    *("waba_node_secret", "waba_api_key", "waba_jwt_key"),
)
# (the name of a task, how many tasks later, seconds into that task, the processes to kill)
POINTS = [
    ("Bring the variables file to the next phase", 0, 0.2, CONTROLLER),
    ("Provide the second account of the nodes", 1, 0.0, GROUP),
    ("Drain and stop", 0, 1.0, CONTROLLER),  # a node is drained
    ("Start and wait for", 0, 2.0, GROUP),  # a node is being replaced
    ("Wait until the cluster is healthy", 4, 0.0, CONTROLLER),
    ("Remove the former account of the nodes", 0, 0.5, GROUP),
    ("Remove the former account of the nodes", 8, 0.0, CONTROLLER),
]


@pytest.mark.parametrize(("mark", "boundary", "delay", "scope"), POINTS)
def test_killed_rotation_interrupts_no_client_and_is_continued(
    cluster: Cluster, flow: Flow, receiver: Receiver, mark: str, boundary: int, delay: float, scope: str
) -> None:
    before, began = secrets(), time.monotonic()
    database = cluster.database().attrs["State"]["StartedAt"]
    with flow:
        killed = run_and_kill(INVENTORY, "rotate_secrets.yml", *rotating(*ALL), kill=Kill(boundary, delay, scope, mark))
        assert killed.task, killed.output
        time.sleep(5)
        assert changed(play("rotate_secrets.yml", *rotating(*ALL))) > 0
    result = f"{time.monotonic() - began:.0f} s, {len(flow.refused)} refused calls; {flow.summary()}"
    figure(f"rotation killed at {killed.task}, and continued", result)
    assert flow.refused == []
    assert receiver.undelivered(flow.accepted) == set()
    assert unfinished() == []
    assert cluster.has_present_secrets()
    assert cluster.accounts() == {secrets().get("waba_database_account") or "waba"}
    assert all(secrets()[name] != before[name] for name in ALL)
    assert cluster.database().attrs["State"]["StartedAt"] == database
    assert are_healthy()


def test_site_in_the_middle_of_a_rotation_locks_no_node_out(cluster: Cluster) -> None:
    killed = run_and_kill(INVENTORY, "rotate_secrets.yml", *rotating(*ALL), kill=Kill(0, 1.0, GROUP, "Drain and stop"))
    assert killed.task, killed.output
    result = play("site.yml")
    assert result.returncode == 0, result.stdout
    assert "is not finished: run rotate_secrets.yml" in result.stdout
    assert are_healthy()
    assert unfinished() != []
    assert changed(play("rotate_secrets.yml")) > 0
    assert unfinished() == []
    assert cluster.has_present_secrets()
