"""A second run and check mode change nothing, and no secret is exposed."""

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
from docker.models.containers import Container
from secret_places import places_of


def test_cluster_reports_healthy(api: Api) -> None:
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


def test_check_mode_predicts_a_change_without_making_it(cluster: Cluster) -> None:
    before = cluster.started(), (FOLDER / "db.env").read_bytes()
    result = play(
        "playbooks/site.yml", "--check", "--diff", "-e", '{"waba_environment": {"WA_RUNNING_ENV": "REHEARSAL"}}'
    )
    assert changed(result) > 0
    assert (cluster.started(), (FOLDER / "db.env").read_bytes()) == before


def test_compose_file_works_without_ansible(cluster: Cluster) -> None:
    listed = subprocess.run(
        ["docker", "compose", "-f", str(FOLDER / "multiconnect-compose.yml"), "ps", "--services"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    assert sorted(listed.stdout.split()) == sorted(one.labels["waba.cluster.instance"] for one in cluster.containers())


def test_database_runs_with_waba_mysql_options(cluster: Cluster) -> None:
    query = ["mariadb", "-Ne", "SELECT @@max_connections, @@performance_schema"]
    assert cluster.container("db").exec_run(query).output.split() == [b"200", b"0"]


def test_secrets_appear_in_no_output_argument_log_or_readable_file(cluster: Cluster, api: Api) -> None:
    secrets = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")).values()
    assert len(secrets) == 6
    outputs = {"a verbose run with --diff": play("playbooks/site.yml", "--check", "--diff", "-vvv").stdout}
    assert places_of(secrets, cluster, FOLDER, outputs) == []
    assert stat.S_IMODE(SECRETS_FILE.stat().st_mode) == 0o600


@pytest.fixture
def single_connect(cluster: Cluster) -> Iterator[Container]:
    """A container of the client outside the cluster, as an older installation leaves it."""
    image = cluster.container("wacore1").attrs["Config"]["Image"]
    script = "sleep infinity; exec /opt/whatsapp/bin/launch_within_docker.sh"
    container = cluster.engine.containers.run(
        image, ["sh", "-c", script], name=f"{NAME}-single", detach=True, restart_policy={"Name": "always"}
    )
    yield container
    container.remove(force=True)


@pytest.fixture
def helper(cluster: Cluster) -> Iterator[Container]:
    """A container of the same image that does not run the client."""
    image = cluster.container("wacore1").attrs["Config"]["Image"]
    container = cluster.engine.containers.run(image, ["sleep", "infinity"], name=f"{NAME}-helper", detach=True)
    yield container
    container.remove(force=True)


def test_single_connect_containers_are_stopped_reported_and_retained(
    cluster: Cluster, single_connect: Container, helper: Container
) -> None:
    before = cluster.started()
    result = play("playbooks/site.yml")
    assert changed(result) == 1
    assert str(single_connect.name) in result.stdout + result.stderr
    single_connect.reload()
    helper.reload()
    assert (single_connect.status, helper.status) == ("exited", "running")
    assert single_connect.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert cluster.started() == before


def test_configured_certificate_is_served(cluster: Cluster, api: Api, tmp_path: Path) -> None:
    pem = self_signed_certificate(tmp_path, "api.example.org")
    paths = {"waba_webapp_certificate": str(pem), "waba_webapp_certificate_key": str(pem)}
    before = cluster.started()
    changed(play("playbooks/site.yml", "-e", json.dumps(paths)))
    try:
        served = ssl.get_server_certificate(("127.0.0.1", SETTINGS["waba_webapp_instances"][0]["port"]))
        assert served.strip() in pem.read_text(encoding="utf-8")
        replaced = set(before) - set(cluster.started())
        assert len(replaced) == 1, "only the webapp is replaced"
    finally:
        changed(play("playbooks/site.yml"))
    assert api.is_healthy()
