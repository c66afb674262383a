"""Status, logs, the number of shards, and removal of hosts that are reachable or lost."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import (
    DEFAULT_UNHEALTHY,
    FOLDER,
    HEARTBEAT,
    HOSTS,
    UNHEALTHY,
    Api,
    Lab,
    changed,
    connected,
    host_of,
    play,
    set_intervals,
    wait_for,
    webapp,
)
from figures import figure
from flow import HANDOVER_LIMIT, Flow
from plays import Result, one_line


@pytest.fixture
def default_intervals(api: Api) -> Iterator[None]:
    """Raise the intervals to the defaults, so that only a run moves the shard, and not a busy machine."""
    set_intervals(api, 5, DEFAULT_UNHEALTHY)
    yield
    set_intervals(api, HEARTBEAT, UNHEALTHY)


def coreapps(api: Api) -> int:
    return len(api.nodes(role="coreapp"))


def read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    assert file is not None
    return file.read().decode()


def output_of(result: Result) -> str:
    return one_line(result.stdout + result.stderr)


def status(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run status.yml; return its exit code and its JSON report."""
    path = folder / "status.json"
    result = play("playbooks/status.yml", "-e", f"waba_status_json={path}")
    return result.returncode, json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def healthy_coreapps(api: Api) -> int:
    """Wait until the cluster is healthy; return its number of coreapps."""
    wait_for(lambda: api.is_healthy(coreapps(api)), 120, "the cluster is healthy")
    return coreapps(api)


def test_status_of_a_healthy_cluster_succeeds(healthy_coreapps: int, tmp_path: Path) -> None:
    code, state = status(tmp_path)
    assert (code, state["healthy"], state["problems"]) == (0, True, [])
    assert [one["gateway"] for one in state["nodes"]].count("connected") == 1


def test_configured_number_of_shards_is_served(healthy_coreapps: int, api: Api, lab: Lab) -> None:
    before = lab.started()
    try:
        assert changed(play("playbooks/site.yml", "-e", "waba_shards=2")) == 1
        assert len(connected(api)) == 3, "two coreapps, and the primary master"
        assert api.call("GET", "account/shards").json()["account"] == {"shards": 2}
        assert changed(play("playbooks/site.yml", "-e", "waba_shards=2")) == 0
    finally:
        changed(play("playbooks/site.yml"))
    assert len(connected(api)) == 1
    assert lab.started() == before


def test_removal_of_indispensable_hosts_is_refused(healthy_coreapps: int, lab: Lab) -> None:
    before = lab.started()
    result = play("playbooks/remove_node.yml", "-e", "waba_remove=db1,webapp1,webapp2,master1,master2")
    assert result.returncode != 0
    for refusal in (
        "it runs the cluster's database",
        "without it 0 working master(s) would remain, and 1 must",
        "without it 0 working webapp(s) would remain, and 1 must",
    ):
        assert refusal in output_of(result)
    assert lab.started() == before


@pytest.mark.usefixtures("default_intervals")
def test_host_of_the_connected_coreapp_is_removed_without_a_refused_call(
    healthy_coreapps: int, api: Api, lab: Lab
) -> None:
    (node,) = connected(api)
    leaving = host_of(node)
    own = sum(host_of(name) == leaving for name in api.health())
    others = [name for name in HOSTS if name != leaving]
    before = lab.started(*others)
    with Flow([webapp("webapp1"), webapp("webapp2")], lab.coreapp_logs) as flow:
        assert changed(play("playbooks/remove_node.yml", "-e", f"waba_remove={leaving}")) > 0
    figure("the host of the connected coreapp removed", flow.summary())
    assert leaving not in map(host_of, api.health())
    assert api.is_healthy(healthy_coreapps - own)
    assert (
        lab.run(leaving, "docker ps -aq --filter label=waba.cluster.name=waba; ls /opt/waba 2>/dev/null || true") == ""
    )
    assert lab.started(*others) == before
    assert changed(play("playbooks/remove_node.yml", "-e", f"waba_remove={leaving}")) == 0
    changed(play("playbooks/site.yml", "--limit", leaving))
    wait_for(lambda: api.is_healthy(healthy_coreapps), 60, "the host is back")
    assert flow.refused == []
    assert flow.handover_pauses(), "the connected coreapp hands over"
    assert sum(flow.handover_pauses()) <= HANDOVER_LIMIT


def test_lost_host_is_reported_and_removed(healthy_coreapps: int, api: Api, lab: Lab, tmp_path: Path) -> None:
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
            texts = {one.name: read_member(archive, one) for one in archive if one.isfile()}
        hosts_with_logs = {Path(name).parts[1] for name in texts if name.endswith("debug_output.txt")}
        assert hosts_with_logs == {one["host"] for one in state["nodes"]} - {lost}
        assert [name for name, text in texts.items() if any(str(secret) in text for secret in secrets)] == []

        refused = play("playbooks/remove_node.yml", "-e", f"waba_remove={lost}")
        assert refused.returncode != 0
        assert "it cannot hand over: it cannot be reached" in output_of(refused)
        arguments = ("-e", f"waba_remove={lost}", "-e", "waba_remove_lost=true")
        assert changed(play("playbooks/remove_node.yml", *arguments)) == 1, "the nodes are removed from the cluster"
        assert lost not in map(host_of, api.health())
        assert api.is_healthy(healthy_coreapps - own)
        assert changed(play("playbooks/remove_node.yml", *arguments)) == 0
        figure("nodes of a lost host removed", own)
    finally:
        lab.host(lost).start()
    wait_for(lambda: api.is_healthy(healthy_coreapps), 120, "the host is back and registered again")
