"""The status and the logs of a running cluster, and the removal of a host."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import FOLDER, INVENTORY, NAME, SECRETS_FILE, Api, Cluster, changed, play, wait_for
from plays import Result, refusal, run_playbook

UNREACHABLE_HOST = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "waba_external_hostname": "gone.test",
    "waba_coreapp_instances": [{"name": "wacore3"}],
}


@pytest.fixture
def unreachable_host(tmp_path: Path) -> tuple[str, str]:
    """Arguments that add a host with a coreapp, which is unreachable."""
    path = tmp_path / "down.yml"
    path.write_text(yaml.safe_dump({"waba_coreapps": {"hosts": {"gone": UNREACHABLE_HOST}}}), encoding="utf-8")
    return "-i", str(path)


def read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    assert file is not None
    return file.read().decode()


def test_logs_of_every_reachable_host_are_collected_without_secrets(
    cluster: Cluster, tmp_path: Path, unreachable_host: tuple[str, str]
) -> None:
    secrets = [str(value) for value in yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")).values()]
    for secret in secrets:
        command = ["sh", "-c", 'echo "it is $1." > /proc/1/fd/1', "sh", secret]
        assert cluster.container("wacore1").exec_run(command, user="waba").exit_code == 0
    before = cluster.started()
    result = play(
        "playbooks/logs.yml", *unreachable_host, "-e", f"waba_logs_dir={tmp_path}/logs", "-e", "waba_logs_tail=5000"
    )
    changed(result)
    assert "MISSING: it cannot be reached" in " ".join(result.stdout.split())
    assert cluster.started() == before

    (archive,) = (tmp_path / "logs").glob("*.tar.gz")
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as opened:
        files = {"/".join(Path(one.name).parts[1:]): read_member(opened, one) for one in opened if one.isfile()}
    assert [name for name, text in files.items() if any(secret in text for secret in secrets)] == []
    assert files["localhost/debug_output.txt"].count("it is ********.") >= len(secrets)
    assert all(f"{one.name} " in files["localhost/debug_output.txt"] for one in cluster.containers())
    assert "WA_DB_PASSWORD=********" in files["localhost/files/db.env"]
    assert '"primary_master"' in files["status.json"]
    assert "gone" in files["summary.txt"]
    assert list(Path("/var/tmp").glob(f"waba-logs.{NAME}.*")) == []


def test_invalid_waba_logs_since_is_refused_before_any_change(tmp_path: Path) -> None:
    result = play("playbooks/logs.yml", "-e", f"waba_logs_dir={tmp_path}/logs", "-e", "waba_logs_since=yesterday")
    assert "waba_logs_since yesterday it is neither a time nor a duration Write a time" in refusal(result)
    assert not (tmp_path / "logs").exists()


def test_removal_of_the_only_host_is_refused(cluster: Cluster, unreachable_host: tuple[str, str]) -> None:
    before = cluster.started()
    output = refusal(play("playbooks/remove_node.yml", *unreachable_host, "-e", "waba_remove=localhost"))
    assert "Nothing was touched: fix the problems in the table above first" in output
    for problem in (
        "waba_remove localhost it runs the cluster's database Move the database to another host first",
        "waba_remove localhost without it 0 working master(s) would remain, and 1 must",
        "waba_remove localhost without it 0 working coreapp(s) would remain, and 1 must",
        "waba_remove localhost without it 0 working webapp(s) would remain, and 1 must",
    ):
        assert problem in output
    output = refusal(play("playbooks/remove_node.yml", *unreachable_host, "-e", "waba_remove=gone"))
    assert "waba_remove gone it cannot hand over: it cannot be reached" in output
    assert "or set waba_remove_lost to true, if it is lost for good" in output
    assert cluster.started() == before


def test_nodes_of_a_lost_host_are_removed_from_the_cluster(
    api: Api, cluster: Cluster, unreachable_host: tuple[str, str]
) -> None:
    """The lost host leaves only the row of its coreapp in the database."""
    wait_for(api.is_healthy, 60, "the cluster is healthy")
    node = "gone.test:0123456789ab"
    row = f"'{node}', 'i', 'coreapp', 'gone.test', '1,2,3,4', '1.0.0', UTC_TIMESTAMP(6)"
    script = 'exec mariadb -uroot -p"$MYSQL_ROOT_PASSWORD" waba -e "$1"'
    code, output = cluster.container("db").exec_run(["sh", "-c", script, "sh", f"REPLACE INTO node VALUES ({row})"])
    assert code == 0, output
    assert node in api.health(), "the cluster reports the lost node"
    before = cluster.started()
    arguments = (*unreachable_host, "-e", "waba_remove=gone", "-e", "waba_remove_lost=true")
    assert changed(play("playbooks/remove_node.yml", *arguments)) == 1
    assert node not in api.health()
    assert cluster.started() == before


def status(tmp_path: Path, *arguments: str) -> tuple[Result, dict[str, Any]]:
    """Run status.yml; return its result and its JSON report."""
    path = tmp_path / "status.json"
    result = play("playbooks/status.yml", "-e", f"waba_status_json={path}", *arguments)
    return result, json.loads(path.read_text(encoding="utf-8"))


def problems(state: dict[str, Any]) -> dict[str, str]:
    return {one["service"]: one["problem"] for one in state["problems"]}


def test_status_of_a_healthy_cluster_succeeds(api: Api, cluster: Cluster, tmp_path: Path) -> None:
    wait_for(api.is_healthy, 60, "the cluster is healthy")
    before = cluster.started()
    result, state = status(tmp_path)
    assert result.returncode == 0, result.stdout
    assert (state["healthy"], state["drifted"], state["problems"]) == (True, False, [])
    nodes = {one["service"]: one for one in state["nodes"]}
    assert set(nodes) == {one.labels["waba.cluster.instance"] for one in cluster.containers()}
    assert sorted(nodes[name]["gateway"] for name in ("wacore1", "wacore2")) == ["connected", "disconnected"]
    assert {f"waba/node:v{one['version']}" for one in nodes.values()} == {"waba/node:v1.0.0"}
    assert set(state["lags"]) == {"messages", "webhooks"}
    assert cluster.started() == before


def test_status_reports_a_stopped_container_and_a_changed_file(api: Api, cluster: Cluster, tmp_path: Path) -> None:
    (spare,) = api.nodes(role="coreapp", gateway_status="disconnected")
    container, file = cluster.engine.containers.get(spare), FOLDER / "multiconnect-compose.yml"
    text = file.read_bytes()
    container.stop()
    file.write_bytes(text + b"# by hand\n")
    try:
        result, state = status(tmp_path)
    finally:
        file.write_bytes(text)
        container.start()
    assert result.returncode == 2
    assert (state["healthy"], state["drifted"]) == (False, True)
    assert problems(state)[container.labels["waba.cluster.instance"]] == "it is exited"
    assert problems(state)[file.name] == "it differs from the inventory"
    assert "0 coreapps standing by, not 1" in " ".join(result.stdout.split())


def test_status_fails_without_a_webapp_and_with_an_unreachable_host(
    api: Api, cluster: Cluster, tmp_path: Path, unreachable_host: tuple[str, str]
) -> None:
    webapp = cluster.container("waweb")
    webapp.stop()
    try:
        result, state = status(tmp_path, *unreachable_host)
    finally:
        webapp.start()
    assert result.returncode == 2
    assert state["healthy"] is False
    assert problems(state)["(the cluster)"].startswith("No webapp answers")
    assert problems(state)["waweb"] == "it is exited"
    assert [one["state"] for one in state["nodes"] if one["host"] == "gone"] == ["DOWN"]
    assert [one["state"] for one in state["nodes"] if one["service"] == "master1"] == ["running healthy"]
    wait_for(api.is_healthy, 60, "the cluster is healthy again")


def test_status_fails_without_the_secrets(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    result, state = status(tmp_path, "-e", f"waba_secrets_file={path}")
    assert (result.returncode, state["healthy"], list(problems(state))) == (2, None, ["(the cluster)"])
    assert "Bring waba_secrets.yml here" in problems(state)["(the cluster)"]
    assert not path.exists()


def test_start_with_a_limit_does_not_contact_the_first_webapps_host(api: Api, cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "down.yml"
    host = {**UNREACHABLE_HOST, "waba_webapp_instances": [{"name": "waweb3", "port": 9099}]}
    path.write_text(yaml.safe_dump({"waba_webapps": {"hosts": {"gone": host}}}), encoding="utf-8")
    cluster.container("waweb").stop()
    result = run_playbook(path, "playbooks/start.yml", "-i", str(INVENTORY), "--limit", "localhost")
    assert changed(result) == 1
    wait_for(api.is_healthy, 60, "the cluster is healthy again")
