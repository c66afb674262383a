# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.single_connect import (
    is_single_connect,
    repository,
)

IMAGES = ["registry.example.org:5000/waba/node:v1.0.0"]
LAUNCH = ("/opt/whatsapp/bin/wait_on_mysql.sh", "/opt/whatsapp/bin/launch_within_docker.sh")
NODE_IMAGE, VENDOR_IMAGE = "registry.example.org:5000/waba/node:v0.9.0", "docker.whatsapp.biz/coreapp:v2.19.4"


def container(
    image: str,
    environment: Iterable[str] = (),
    labels: Iterable[str] = (),
    command: Iterable[str] = LAUNCH,
    own_command: Iterable[str] | None = LAUNCH,
) -> dict[str, Any]:
    return {
        "image": image,
        "environment": list(environment),
        "labels": dict.fromkeys(labels, "waba"),
        "command": list(command),
        "own_command": None if own_command is None else list(own_command),
    }


@pytest.mark.parametrize(
    ("found", "is_stopped"),
    [
        (container(VENDOR_IMAGE), True),
        (container("docker.whatsapp.biz/web:v2.57.2"), True),
        (container(NODE_IMAGE), True),
        (container(VENDOR_IMAGE, ["WA_APP_MULTICONNECT=1"]), False),
        (container(NODE_IMAGE, labels=["waba.cluster.name"]), False),
        (container("docker.whatsapp.biz/prometheus:v2.57.2"), False),
        (container("mysql:5.7"), False),
        # by the command
        (container(VENDOR_IMAGE, command=["/usr/bin/client"], own_command=["/usr/bin/client"]), True),
        (container(VENDOR_IMAGE, own_command=None), True),
        (container(VENDOR_IMAGE, command=["cp", "-a", "/from/.", "/to/"], own_command=None), True),
        (container(NODE_IMAGE, command=["sh", "-c", "sleep 5; exec /opt/whatsapp/bin/launch_within_docker.sh"]), True),
        (container(NODE_IMAGE, command=["sh", "-c", "launch_within_docker.sh"], own_command=["bash"]), True),
        (container(NODE_IMAGE, command=["cp", "-a", "/from/.", "/to/"]), False),
        (container(NODE_IMAGE, command=["python3", "-m", "waba_node", "schema-status"]), False),
        (container(NODE_IMAGE, ["WA_DB_UPGRADE=1"]), False),
        (container(NODE_IMAGE, ["WA_DB_UPGRADE=0"]), True),
    ],
)
def test_containers_that_open_a_second_connection(found: dict[str, Any], is_stopped: bool) -> None:
    assert is_single_connect(found, IMAGES) is is_stopped


@pytest.mark.parametrize("image", ["a.example:5000/b/c", "a.example:5000/b/c:v1", "a.example:5000/b/c@sha256:0123"])
def test_a_repository_has_no_tag(image: str) -> None:
    assert repository(image) == "a.example:5000/b/c"
