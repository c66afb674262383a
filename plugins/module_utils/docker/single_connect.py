# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers would be a second connection for the cluster's number. Pure."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER

LAUNCHER = contract.COMMAND[-1].rpartition("/")[2]
ELSEWISE = {
    "WA_APP_MULTICONNECT=1",
    "WA_DB_UPGRADE=1",
}  # a node of a cluster; a change of the schema, which ends by itself
VENDOR_REPOSITORIES = ("docker.whatsapp.biz/web", "docker.whatsapp.biz/coreapp")


def repository(image):
    """Return an image's name without its tag or digest."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":", 1)[0]


def single_connect(container, images):
    """Return whether a container runs the same client without multiconnect (source: the seed and vendor facts).

    container: {"image", "environment": list of "NAME=value", "labels", "command": the words it was started with, "own_command": its image's, None
    where that is not known}. images: names of the cluster's node images.

    What runs something else from such an image (a shell, `cp`, a change of the schema) connects nobody. Where it cannot be told, it counts.
    """
    repositories = {repository(image) for image in images}.union(VENDOR_REPOSITORIES)
    return (
        repository(container["image"]) in repositories
        and LABEL_CLUSTER not in container["labels"]
        and not ELSEWISE & set(container["environment"])
        and (
            container["own_command"] in (None, container["command"])
            or any(LAUNCHER in word for word in container["command"])
        )
    )
