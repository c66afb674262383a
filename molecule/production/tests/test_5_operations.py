"""The cluster at a glance, its logs, more shards, and hosts that leave: in good order, and lost for good."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from conftest import FOLDER, HOSTS, Api, Lab, changed, connected, figure, host_of, play, wait_for, webapp
from flow import Flow

HANDOVER_LIMIT = 2.0  # seconds: the rule for a handing over


def coreapps(api: Api) -> int:
    return len(api.nodes(role="coreapp"))


def words(result: subprocess.CompletedProcess) -> str:
    return " ".join((result.stdout + result.stderr).split())


def status(folder: Path) -> tuple[int, dict]:
    """Run status.yml; return its exit code and its JSON."""
    path = folder / "status.json"
    result = play("playbooks/status.yml", "-e", f"waba_status_json={path}")
    return result.returncode, json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def whole(api: Api) -> int:
    """Wait for a whole cluster; return how many coreapps it has."""
    wait_for(lambda: api.is_healthy(coreapps(api)), 120, "the cluster is healthy")
    return coreapps(api)


def test_a_whole_cluster_s_status_ends_well(whole: int, tmp_path: Path) -> None:
    code, state = status(tmp_path)
    assert (code, state["healthy"], state["problems"]) == (0, True, [])
    assert [one["gateway"] for one in state["nodes"]].count("connected") == 1


def test_the_inventory_s_number_of_shards_is_served(whole: int, api: Api, lab: Lab) -> None:
    before = lab.started()
    try:
        assert changed(play("playbooks/site.yml", "-e", "waba_shards=2")) == 1
        assert len(connected(api)) == 3, "two coreapps, and the primary master for the whole"
        assert api.call("GET", "account/shards").json()["account"] == {"shards": 2}
        assert changed(play("playbooks/site.yml", "-e", "waba_shards=2")) == 0
    finally:
        changed(play("playbooks/site.yml"))
    assert len(connected(api)) == 1
    assert lab.started() == before


def test_what_the_cluster_cannot_do_without_does_not_leave(whole: int, lab: Lab) -> None:
    before = lab.started()
    result = play("playbooks/remove_node.yml", "-e", "waba_remove=db1,webapp1,webapp2,master1,master2")
    assert result.returncode != 0
    for refusal in (
        "it runs the cluster's database",
        "without it 0 master(s) that work would be left, and 1 must be",
        "without it 0 webapp(s) that work would be left, and 1 must be",
    ):
        assert refusal in words(result)
    assert lab.started() == before


def test_the_host_of_the_connected_coreapp_leaves_and_messages_go_on(whole: int, api: Api, lab: Lab) -> None:
    (node,) = connected(api)
    leaving = host_of(node)
    own = sum(host_of(name) == leaving for name in api.health())
    others = [name for name in HOSTS if name != leaving]
    before = lab.started(*others)
    with Flow([webapp("webapp1"), webapp("webapp2")], lab.coreapp_logs) as flow:
        assert changed(play("playbooks/remove_node.yml", "-e", f"waba_remove={leaving}")) > 0
    figure("the host of the connected coreapp removed", flow.summary())
    assert flow.refused == []
    assert flow.handover_pauses(), "the connected coreapp handed over"
    assert sum(flow.handover_pauses()) <= HANDOVER_LIMIT
    assert leaving not in map(host_of, api.health())
    assert api.is_healthy(whole - own)
    assert (
        lab.run(leaving, "docker ps -aq --filter label=waba.cluster.name=waba; ls /opt/waba 2>/dev/null || true") == ""
    )
    assert lab.started(*others) == before
    assert changed(play("playbooks/remove_node.yml", "-e", f"waba_remove={leaving}")) == 0
    changed(play("playbooks/site.yml", "--limit", leaving))
    wait_for(lambda: api.is_healthy(whole), 60, "the host is back")


def test_a_host_that_is_lost_is_seen_reported_and_forgotten(whole: int, api: Api, lab: Lab, tmp_path: Path) -> None:
    lost = next(
        host_of(name)
        for name, node in api.health().items()
        if node["gateway_status"] != "connected" and node["role"] == "coreapp"
    )
    own = sum(host_of(name) == lost for name in api.health())
    lab.host(lost).kill()
    try:
        code, state = status(tmp_path)
        assert (code, state["healthy"]) == (2, False)
        assert [one["state"] for one in state["nodes"] if one["host"] == lost] == ["DOWN"]

        result = play("playbooks/logs.yml", "-e", f"waba_logs_dir={tmp_path}/logs", "-e", "waba_logs_tail=200")
        assert result.returncode == 0, result.stdout
        secrets = yaml.safe_load((FOLDER / "waba_secrets.yml").read_text(encoding="utf-8")).values()
        with tarfile.open(next((tmp_path / "logs").glob("*.tar.gz"))) as archive:
            texts = {one.name: archive.extractfile(one).read().decode() for one in archive if one.isfile()}
        came = {Path(name).parts[1] for name in texts if name.endswith("debug_output.txt")}
        assert came == {one["host"] for one in state["nodes"]} - {lost}
        assert [name for name, text in texts.items() if any(str(secret) in text for secret in secrets)] == []

        refused = play("playbooks/remove_node.yml", "-e", f"waba_remove={lost}")
        assert refused.returncode != 0
        assert "it cannot hand over: it cannot be reached" in words(refused)
        gone = ("-e", f"waba_remove={lost}", "-e", "waba_remove_lost=true")
        assert changed(play("playbooks/remove_node.yml", *gone)) == 1, "the cluster forgot its nodes"
        assert lost not in map(host_of, api.health())
        assert api.is_healthy(whole - own)
        assert changed(play("playbooks/remove_node.yml", *gone)) == 0
        figure("a lost host's nodes forgotten", own)
    finally:
        lab.host(lost).start()
    wait_for(lambda: api.is_healthy(whole), 120, "the host came back after all, and registered again")
