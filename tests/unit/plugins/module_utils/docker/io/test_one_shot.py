# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""With the engine of this machine and the node's image; where either is missing there is nothing to see."""

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import one_shot

docker = pytest.importorskip("docker")
IMAGE = "waba/node:v1.0.0"
MARKS = "/usr/local/wamedia"  # a volume of the master's, which such a program has too


@pytest.fixture
def engine():
    try:
        client = docker.from_env(version="auto")
        client.images.get(IMAGE)
    except docker.errors.DockerException as error:
        pytest.skip(f"no engine with {IMAGE}: {error}")
    return client


@pytest.fixture
def cluster(engine):
    """The name of a cluster of which there is a master, as far as its container goes."""
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


def said_by(engine, cluster, script):
    return one_shot.run(engine, cluster, IMAGE, ["sh", "-c", script], {})


def test_it_says_what_the_program_said_and_leaves_nothing(engine, cluster):
    assert said_by(engine, cluster, "echo $WA_DB_UPGRADE") == "1\n"
    assert len(engine.containers.list(all=True, filters={"label": f"{LABEL_CLUSTER}={cluster}"})) == 1


@pytest.mark.parametrize("outlived", [True, False], ids=["whose module lives on", "whose module was killed too"])
def test_what_a_killed_run_began_is_not_stopped_in_its_middle(engine, cluster, outlived):
    pid = os.fork()
    if not pid:
        said_by(docker.from_env(version="auto"), cluster, f"touch {MARKS}/begun; sleep 4; touch {MARKS}/ended")
        os._exit(0)
    deadline = time.monotonic() + 30
    while "begun" not in said_by_master(engine, cluster, f"ls {MARKS}"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if not outlived:
        os.kill(pid, signal.SIGKILL)
    assert "ended" in said_by(engine, cluster, f"ls {MARKS}")
    os.waitpid(pid, 0)


def said_by_master(engine, cluster, script):
    filters = {"label": [f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master"]}
    (master,) = engine.containers.list(filters=filters)
    return master.exec_run(["sh", "-c", script]).output.decode()
