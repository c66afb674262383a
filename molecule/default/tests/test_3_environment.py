"""The surroundings of a run do not change its effect: environment variables, a .env file, the user's Docker configuration."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import FOLDER, NAME, Cluster, changed, play, wait_for

VARIABLES = {
    "COMPOSE_PROJECT_NAME": "stray",
    "COMPOSE_FILE": "/nonexistent.yml",
    "COMPOSE_PROFILES": "none",
    "COMPOSE_ENV_FILES": "/nonexistent.env",
    "DOCKER_HOST": "tcp://127.0.0.1:1",
    "DOCKER_CONTEXT": "nonexistent",
    "DOCKER_DEFAULT_PLATFORM": "linux/s390x",
    "DOCKER_API_VERSION": "1.12",
    "DOCKER_TLS_VERIFY": "1",
    "http_proxy": "http://127.0.0.1:1",
    "https_proxy": "http://127.0.0.1:1",
    "SSL_CERT_FILE": "/nonexistent.pem",
    "LANGUAGE": "zh_CN",
}


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Surround the run with settings that steer Docker, Compose and Python."""
    configuration = {"proxies": {"default": {"httpProxy": "http://127.0.0.1:1"}}, "currentContext": "nonexistent"}
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps(configuration), encoding="utf-8")
    beside = FOLDER / ".env"
    beside.write_text("COMPOSE_PROJECT_NAME=stray\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    yield
    beside.unlink()


@pytest.mark.usefixtures("hostile")
def test_a_hostile_environment_changes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    assert changed(play("playbooks/site.yml")) == 0
    # On a busy machine a health check may time out.
    wait_for(lambda: play("playbooks/status.yml").returncode == 0, 60, "status.yml reports a problem")
    assert cluster.started() == before


def test_a_second_database_is_reported_and_removed(cluster: Cluster) -> None:
    before = cluster.started()
    file = FOLDER / "multiconnect-compose.yml"
    start = ["docker", "compose", "--project-name", "stray", "--file", str(file), "up", "--detach", "--no-deps", "db"]
    subprocess.run(start, check=True, capture_output=True)
    try:
        status = play("playbooks/status.yml")
        assert status.returncode != 0
        assert re.search(r"db .*stray-db-1 belongs to the Compose project stray", status.stdout)
        assert changed(play("playbooks/site.yml")) == 1
    finally:
        stop = ["docker", "compose", "--project-name", "stray", "--file", str(file), "rm", "--force", "--stop", "db"]
        subprocess.run(stop, check=True, capture_output=True)
        subprocess.run(["docker", "network", "rm", "stray_default"], check=False, capture_output=True)
    assert cluster.started() == before
    assert [one.name for one in cluster.containers() if one.labels["waba.cluster.instance"] == "db"] == [f"{NAME}-db-1"]
    assert changed(play("playbooks/site.yml")) == 0
