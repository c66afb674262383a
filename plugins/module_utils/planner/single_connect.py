# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers would be a second connection for the cluster's number. Pure."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.planner.contract import LABEL_CLUSTER

VENDOR_REPOSITORIES = ("docker.whatsapp.biz/web", "docker.whatsapp.biz/coreapp")


def repository(image):
    """Return an image's name without its tag or digest."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.split(":", 1)[0]


def single_connect(containers, images):
    """Return those of the containers that run the same client without multiconnect (source: the seed and vendor facts).

    containers: list of dict with `image`, `environment` (list of "NAME=value") and `labels`. images: names of the cluster's node images.
    """
    repositories = {repository(image) for image in images}.union(VENDOR_REPOSITORIES)
    return [
        container
        for container in containers
        if repository(container["image"]) in repositories
        and "WA_APP_MULTICONNECT=1" not in container["environment"]
        and LABEL_CLUSTER not in container["labels"]
    ]
