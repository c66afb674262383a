"""Rotations under traffic. Each test begins where the one before it ended."""

from __future__ import annotations

import time

import pytest
from conftest import WEBAPPS, Cluster, answers, are_healthy, play, rotating, secrets, unfinished
from figures import figure
from flow import Flow
from plays import changed, refusal
from receiver import Receiver

DATABASE = ("waba_database_password", "waba_database_root_password")
NODES = ("waba_node_secret", "waba_api_key", "waba_jwt_key")
HANDOVER_LIMIT = 2.0  # seconds for each roll, in total, without a connected coreapp


def assert_no_client_noticed(what: str, flow: Flow, receiver: Receiver, seconds: float, rolls: int) -> None:
    figure(f"rotation of {what}", f"{seconds:.0f} s, {len(flow.refused)} refused calls; {flow.summary()}")
    assert flow.refused == []
    assert flow.calls > 20
    assert sum(flow.handover_pauses()) <= rolls * HANDOVER_LIMIT
    assert receiver.undelivered(flow.accepted) == set()


@pytest.mark.parametrize(
    ("names", "rolls"),
    [
        (("waba_database_password",), 1),
        (("waba_database_root_password",), 0),
        (("waba_node_secret",), 3),
        (("waba_api_key",), 3),
        (("waba_jwt_key",), 2),
        ((*DATABASE, *NODES), 3),
    ],
    ids=["database password", "root password", "node secret", "API key", "token key", "all but the admin's"],
)
def test_rotation_under_traffic_interrupts_no_client(
    cluster: Cluster, flow: Flow, receiver: Receiver, names: tuple[str, ...], rolls: int
) -> None:
    before, containers, began = secrets(), cluster.started(), time.monotonic()
    database = cluster.database().attrs["State"]["StartedAt"]
    with flow:
        result = play("rotate_secrets.yml", *rotating(*names))
    assert changed(result) > 0
    assert_no_client_noticed(", ".join(names), flow, receiver, time.monotonic() - began, rolls)
    after = secrets()
    assert {name for name in before if name.startswith("waba_") and after.get(name) != before[name]} >= set(names)
    assert unfinished() == []
    assert cluster.has_present_secrets()
    assert cluster.accounts() == {after.get("waba_database_account") or "waba"}
    assert answers(after["waba_api_key"]) == {200}
    if "waba_api_key" in names:
        assert answers(before["waba_api_key"]) == {401}
    assert cluster.database().attrs["State"]["StartedAt"] == database, "the database is not restarted"
    assert (cluster.started() == containers) == (rolls == 0)
    assert are_healthy()


def test_settled_cluster_is_not_changed(cluster: Cluster) -> None:
    before = cluster.started()
    for playbook, arguments in (("rotate_secrets.yml", rotating()), ("site.yml", ())):
        assert changed(play(playbook, *arguments)) == 0
    assert play("status.yml").returncode == 0
    assert cluster.started() == before


def test_admin_password_is_rotated_without_a_roll(cluster: Cluster) -> None:
    before, containers, began = secrets(), cluster.started(), time.monotonic()
    assert changed(play("rotate_secrets.yml", *rotating("waba_admin_password"))) > 0
    figure("rotation of waba_admin_password", f"{time.monotonic() - began:.0f} s")
    assert secrets()["waba_admin_password"] != before["waba_admin_password"]
    assert cluster.started() == containers
    assert are_healthy(), "the admin logs in with the new password"


def test_both_api_keys_are_accepted_until_the_rotation_is_finished(cluster: Cluster, flow: Flow) -> None:
    former = secrets()["waba_api_key"]
    with flow:
        assert changed(play("rotate_secrets.yml", *rotating("waba_api_key", waba_rotate_finish=False))) > 0
        assert answers(former) == answers(secrets()["waba_api_key"]) == {200}
        assert unfinished() == ["waba_previous_api_key"]
        assert "The rotation of waba_api_key is not finished" in play("preflight.yml").stdout
        assert changed(play("rotate_secrets.yml")) > 0
    assert flow.refused == []
    assert answers(former) == {401}
    assert unfinished() == []
    assert cluster.has_present_secrets()


def test_sessions_of_a_former_token_key_end_on_request(cluster: Cluster) -> None:
    assert all(one.get("WABA_SECOND_JWT_KEY") for one in cluster.environments())
    assert changed(play("rotate_secrets.yml", *rotating(waba_rotate_end_sessions=True))) > 0
    assert not any("WABA_SECOND_JWT_KEY" in one for one in cluster.environments())


def test_backup_uses_the_present_account() -> None:
    result = play("backup.yml")
    assert result.returncode == 0, result.stdout


def test_secret_that_cannot_be_rotated_is_refused_by_name(cluster: Cluster) -> None:
    before = cluster.started(), secrets()
    message = refusal(play("rotate_secrets.yml", *rotating("waba_cloud_token")))
    assert "it is not a secret that can be rotated" in message
    assert (cluster.started(), secrets()) == before
    assert len(WEBAPPS) == 2
