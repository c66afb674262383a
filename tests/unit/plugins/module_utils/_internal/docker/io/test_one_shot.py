# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""With the engine of this machine and the node's image; skipped where either is missing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import one_shot

docker = pytest.importorskip("docker")
IMAGE = "waba/node:v1.0.0"
MARKS = "/usr/local/wamedia"  # a volume of the master, which the command mounts too


@pytest.fixture
def engine() -> docker.DockerClient:
    try:
        client = docker.from_env(version="auto")
        client.images.get(IMAGE)
    except docker.errors.DockerException as error:
        pytest.skip(f"no engine with {IMAGE}: {error}")
    return client


@pytest.fixture
def cluster(engine: docker.DockerClient) -> Iterator[str]:
    """Return the name of a cluster with a container in the place of its master."""
    name = f"waba-unit-{os.getpid()}"
    engine.containers.run(
        IMAGE,
        ["sleep", "120"],
        detach=True,
        labels={LABEL_CLUSTER: name, LABEL_ROLE: "master"},
        volumes={name: {"bind": MARKS}},
    )
    yield name
    for container in engine.containers.list(all=True, filters={"label": f"{LABEL_CLUSTER}={name}"}):
        container.remove(force=True)
    engine.volumes.get(name).remove()


def output_of(engine: docker.DockerClient, cluster: str, script: str) -> str:
    return one_shot.run(engine, cluster, IMAGE, ["sh", "-c", script], {})


def test_the_output_is_returned_and_the_container_removed(engine: docker.DockerClient, cluster: str) -> None:
    assert output_of(engine, cluster, "echo $WA_DB_UPGRADE") == "1\n"
    assert len(engine.containers.list(all=True, filters={"label": f"{LABEL_CLUSTER}={cluster}"})) == 1


def test_the_command_reaches_every_network_of_the_master(engine: docker.DockerClient, cluster: str) -> None:
    """The proxy of a database with three members is in a second network."""
    network = engine.networks.create(cluster, labels={LABEL_CLUSTER: cluster})
    try:
        (master,) = engine.containers.list(filters={"label": f"{LABEL_CLUSTER}={cluster}"})
        network.connect(master, aliases=["db"])
        assert output_of(engine, cluster, "getent hosts db | wc -l") == "1\n"
    finally:
        network.disconnect(master, force=True)
        network.remove()


def test_a_command_alone_needs_no_master_and_has_only_its_own_environment(engine: docker.DockerClient) -> None:
    name = f"waba-unit-alone-{os.getpid()}"
    output = one_shot.run_alone(engine, name, IMAGE, ["sh", "-c", "echo $GIVEN$WA_DB_UPGRADE"], {"GIVEN": "x"})
    assert output == "x\n"
    assert not engine.containers.list(all=True, filters={"label": f"{LABEL_CLUSTER}={name}"})


@pytest.mark.parametrize("outlived", [True, False], ids=["module still runs", "module was killed"])
def test_a_command_of_a_killed_run_is_awaited(engine: docker.DockerClient, cluster: str, outlived: bool) -> None:
    pid = os.fork()
    if not pid:
        output_of(docker.from_env(version="auto"), cluster, f"touch {MARKS}/begun; sleep 4; touch {MARKS}/ended")
        os._exit(0)
    deadline = time.monotonic() + 30
    while "begun" not in output_in_master(engine, cluster, f"ls {MARKS}"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if not outlived:
        os.kill(pid, signal.SIGKILL)
    assert "ended" in output_of(engine, cluster, f"ls {MARKS}")
    os.waitpid(pid, 0)


def output_in_master(engine: docker.DockerClient, cluster: str, script: str) -> str:
    filters = {"label": [f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master"]}
    (master,) = engine.containers.list(filters=filters)
    return master.exec_run(["sh", "-c", script]).output.decode()
