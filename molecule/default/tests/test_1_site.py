"""A second run and check mode change nothing; no secret shows anywhere."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import FOLDER, NAME, SECRETS_FILE, SETTINGS, Api, Cluster, changed, play, self_signed_certificate


def test_the_cluster_says_that_it_is_healthy(api: Api) -> None:
    assert api.is_healthy(), api.health()


def test_second_run_restarts_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    result = play("playbooks/site.yml", "--diff", "-v")
    assert changed(result) == 0, result.stdout
    assert cluster.started() == before


def test_check_mode_on_a_deployed_host_changes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    result = play("playbooks/site.yml", "--check", "--diff")
    assert changed(result) == 0, result.stdout
    assert cluster.started() == before


def test_check_mode_predicts_and_changes_nothing(cluster: Cluster) -> None:
    before = cluster.started(), (FOLDER / "db.env").read_bytes()
    result = play(
        "playbooks/site.yml", "--check", "--diff", "-e", '{"waba_environment": {"WA_RUNNING_ENV": "REHEARSAL"}}'
    )
    assert changed(result) > 0
    assert (cluster.started(), (FOLDER / "db.env").read_bytes()) == before


def test_compose_works_by_hand(cluster: Cluster) -> None:
    listed = subprocess.run(
        ["docker", "compose", "-f", str(FOLDER / "multiconnect-compose.yml"), "ps", "--services"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    assert sorted(listed.stdout.split()) == sorted(one.labels["waba.cluster.instance"] for one in cluster.containers())


def test_the_database_has_the_options_that_it_was_given(cluster: Cluster) -> None:
    asked = ["mariadb", "-Ne", "SELECT @@max_connections, @@performance_schema"]
    assert cluster.container("db").exec_run(asked).output.split() == [b"200", b"0"]


def test_secrets_show_nowhere(cluster: Cluster, api: Api) -> None:
    secrets = [value.encode() for value in yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")).values()]
    assert len(secrets) == 6
    shown = {"a verbose run with --diff": play("playbooks/site.yml", "--check", "--diff", "-vvv").stdout.encode()}
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown[f"the arguments of {process}"] = process.read_bytes()
        except OSError:
            continue
    for container in cluster.containers():
        shown[f"the log of {container.name}"] = container.logs()
    for file in FOLDER.rglob("*"):
        if file.is_file() and file.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP):
            shown[str(file)] = file.read_bytes()
    assert [place for place, content in shown.items() if any(secret in content for secret in secrets)] == []
    assert stat.S_IMODE(SECRETS_FILE.stat().st_mode) == 0o600


@pytest.fixture
def single_connect(cluster: Cluster) -> Iterator:
    """A container of the same client outside the cluster, as an older installation leaves it."""
    image = cluster.container("wacore1").attrs["Config"]["Image"]
    waits = "sleep infinity; exec /opt/whatsapp/bin/launch_within_docker.sh"
    container = cluster.engine.containers.run(
        image, ["sh", "-c", waits], name=f"{NAME}-single", detach=True, restart_policy={"Name": "always"}
    )
    yield container
    container.remove(force=True)


@pytest.fixture
def helper(cluster: Cluster) -> Iterator:
    """A container of the same image that connects nobody, as one that copies media."""
    image = cluster.container("wacore1").attrs["Config"]["Image"]
    container = cluster.engine.containers.run(image, ["sleep", "infinity"], name=f"{NAME}-helper", detach=True)
    yield container
    container.remove(force=True)


def test_single_connect_containers_are_stopped_named_and_kept(cluster: Cluster, single_connect, helper) -> None:
    before = cluster.started()
    result = play("playbooks/site.yml")
    assert changed(result) == 1
    assert single_connect.name in result.stdout + result.stderr
    single_connect.reload()
    helper.reload()
    assert (single_connect.status, helper.status) == ("exited", "running")
    assert single_connect.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert cluster.started() == before


def test_own_certificate_is_served(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    pem = self_signed_certificate(tmp_path, "api.example.org")
    paths = {"waba_webapp_certificate": str(pem), "waba_webapp_certificate_key": str(pem)}
    before = cluster.started()
    changed(play("playbooks/site.yml", "-e", json.dumps(paths)))
    try:
        served = ssl.get_server_certificate(("127.0.0.1", SETTINGS["waba_webapp_instances"][0]["port"]))
        assert served.strip() in pem.read_text(encoding="utf-8")
        restarted = {one for one in before if one not in cluster.started()}
        assert len(restarted) == 1, "the webapp alone"
    finally:
        changed(play("playbooks/site.yml"))
    assert api.is_healthy()
