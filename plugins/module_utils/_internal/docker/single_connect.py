# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers that would open a second connection for the cluster's number. Pure (see docs/reference/vendor-contract.md#single-connect)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER

LAUNCHER = contract.COMMAND[-1].rpartition("/")[2]
# Variables of a container that opens no connection of its own: a node of a cluster, or a schema migration, which ends by itself.
EXEMPT = {"WA_APP_MULTICONNECT=1", "WA_DB_UPGRADE=1"}
VENDOR_REPOSITORIES = ("docker.whatsapp.biz/web", "docker.whatsapp.biz/coreapp")


def repository(image: str) -> str:
    """Return an image's name without its tag or digest."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":", 1)[0]


def is_single_connect(container: Mapping[str, Any], images: Iterable[str]) -> bool:
    """Return whether a container runs the same client outside the cluster.

    container: {"image", "environment": list of "NAME=value", "labels", "command": its words, "own_command": those of its image, None where unknown}.
    images: names of the cluster's node images.

    A container of such an image with another command (a shell, `cp`) opens no connection. One whose image's command is unknown counts.
    """
    repositories = {repository(image) for image in images}.union(VENDOR_REPOSITORIES)
    return (
        repository(container["image"]) in repositories
        and LABEL_CLUSTER not in container["labels"]
        and not EXEMPT & set(container["environment"])
        and (
            container["own_command"] in (None, container["command"])
            or any(LAUNCHER in word for word in container["command"])
        )
    )
