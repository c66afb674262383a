# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""compose_project with the engine and the Compose of this machine, from surroundings that would change what Compose does."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.host_files import compose_text
from ansible_collections.waba.cluster.plugins.modules import compose_project

docker = pytest.importorskip("docker")
IMAGE = "waba/node:v1.0.0"
NAME = f"waba-unit-{os.getpid()}"
LABELS = {"waba.cluster.name": NAME, "waba.cluster.role": "mysql", "waba.cluster.instance": "db"}


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    try:
        client = docker.DockerClient(base_url="unix:///var/run/docker.sock", version="auto")
        client.images.get(IMAGE)
    except docker.errors.DockerException as error:
        pytest.skip(f"no engine with {IMAGE}: {error}")
    yield client
    for container in containers(client):
        container.remove(force=True)
    for network in client.networks.list(filters={"label": f"waba.cluster.name={NAME}"}):
        network.remove()
    for volume in client.volumes.list(filters={"label": f"waba.cluster.name={NAME}"}):
        volume.remove()


def containers(engine: docker.DockerClient) -> list:
    return engine.containers.list(all=True, filters={"label": f"waba.cluster.name={NAME}"})


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return the path of a Compose file with one service, which takes the part of the database."""
    return write(tmp_path)


def write(folder: Path, **more: object) -> str:
    service = {
        "image": IMAGE,
        "command": ["sleep", "300"],
        "volumes": ["data:/var/lib/mysql"],
        "stop_grace_period": "1s",
        "healthcheck": {"disable": True},
        "labels": LABELS,
        **more,
    }
    label = {"waba.cluster.name": NAME}
    document = {
        "name": NAME,
        "services": {"db": service},
        "volumes": {"data": {"name": f"{NAME}_data", "labels": label}},
        "networks": {"default": {"labels": label}},
    }
    path = folder / "compose.yml"
    path.write_text(compose_text(document, "unit test"), encoding="utf-8")
    return str(path)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Surround the module with everything that Compose would follow."""
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=from-env-file\n", encoding="utf-8")
    (tmp_path / ".docker").mkdir()
    configuration = {"proxies": {"default": {"httpProxy": "http://proxy.example.org:3128"}}, "currentContext": "remote"}
    (tmp_path / ".docker/config.json").write_text(json.dumps(configuration), encoding="utf-8")
    variables = {
        "HOME": str(tmp_path),
        "COMPOSE_PROJECT_NAME": "from-environment",
        "COMPOSE_FILE": "/nonexistent.yml",
        "COMPOSE_PROFILES": "none",
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "DOCKER_CONTEXT": "remote",
        "DOCKER_DEFAULT_PLATFORM": "linux/s390x",
        "DOCKER_API_VERSION": "1.12",
        "DOCKER_TLS_VERIFY": "1",
        "http_proxy": "http://127.0.0.1:1",
        "LC_ALL": "zh_CN.UTF-8",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("hostile", "real_compose")
def test_the_environment_does_not_change_the_containers(run: Callable, engine: docker.DockerClient, file: str) -> None:
    first = run(compose_project, file=file)
    assert [one["action"] for one in first["actions"]] == ["create"], first
    (container,) = containers(engine)
    assert container.labels["com.docker.compose.project"] == NAME
    assert not [one for one in container.attrs["Config"]["Env"] if "proxy" in one.lower()]
    assert run(compose_project, file=file)["actions"] == []


@pytest.mark.usefixtures("real_compose")
def test_a_second_database_of_another_project_is_removed_first(
    run: Callable, engine: docker.DockerClient, file: str
) -> None:
    start = ["docker", "compose", "--project-name", f"{NAME}-x", "--file", file, "up", "--detach"]
    subprocess.run(start, check=True, capture_output=True)
    assert [one["action"] for one in run(compose_project, file=file)["actions"]] == ["discard", "create"]
    (own,) = containers(engine)
    subprocess.run(start, check=True, capture_output=True)
    check = run(compose_project, file=file, check_mode=True)
    assert [one["action"] for one in check["actions"]] == ["discard"]
    assert "belongs to the Compose project" in check["actions"][0]["reason"]
    assert [one["action"] for one in run(compose_project, file=file)["actions"]] == ["discard"]
    assert [one.id for one in containers(engine)] == [own.id]
    assert run(compose_project, file=file)["actions"] == []
    subprocess.run(start, check=True, capture_output=True)
    run(compose_project, file=file, state="stopped")
    assert {one.status for one in containers(engine)} == {"exited"}


@pytest.mark.usefixtures("real_compose")
def test_a_second_container_of_an_interrupted_run_is_removed_before_compose_begins(
    run: Callable, engine: docker.DockerClient, file: str
) -> None:
    run(compose_project, file=file)
    (own,) = containers(engine)
    # As Compose leaves it when it is killed while it recreates a service: with the name that it gives the next container. It stops slowly.
    left = f"{own.id[:12]}_{own.name}"
    engine.containers.run(own.image, ["60"], entrypoint="sleep", labels=own.labels, name=left, detach=True)
    answer = run(compose_project, file=file)
    assert "msg" not in answer
    assert [(one["action"], one["reason"]) for one in answer["actions"]] == [
        ("recreate", "it has 2 containers, left by an interrupted run")
    ]
    (one,) = containers(engine)
    assert (one.name, one.status) == (own.name, "running")
    assert one.id != own.id
    assert run(compose_project, file=file)["actions"] == []


@pytest.mark.usefixtures("engine", "real_compose")
def test_an_unready_service_is_reported_without_a_readable_log(run: Callable, tmp_path: Path) -> None:
    unhealthy = {"test": ["CMD", "false"], "interval": "1s", "retries": 1}
    file = write(tmp_path, healthcheck=unhealthy, logging={"driver": "none"})
    answer = run(compose_project, file=file, wait_timeout=3)
    assert "Not ready: db." in answer["msg"]
    assert re.search("it is running, but (starting|unhealthy)", answer["msg"])
    assert "does not support reading" in answer["msg"]
