# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.planner.single_connect import repository, single_connect

IMAGES = ["registry.example.org:5000/waba/node:v1.0.0"]


def container(image, environment=(), labels=()):
    return {"image": image, "environment": list(environment), "labels": dict.fromkeys(labels, "waba")}


@pytest.mark.parametrize(
    ("found", "stopped"),
    [
        (container("docker.whatsapp.biz/coreapp:v2.19.4"), True),
        (container("docker.whatsapp.biz/web:v2.57.2"), True),
        (container("registry.example.org:5000/waba/node:v0.9.0"), True),
        (container("docker.whatsapp.biz/coreapp:v2.19.4", ["WA_APP_MULTICONNECT=1"]), False),
        (container("registry.example.org:5000/waba/node:v1.0.0", labels=["waba.cluster.name"]), False),
        (container("docker.whatsapp.biz/prometheus:v2.57.2"), False),
        (container("mysql:5.7"), False),
    ],
)
def test_which_containers_are_a_second_connection(found, stopped):
    assert single_connect([found], IMAGES) == ([found] if stopped else [])


@pytest.mark.parametrize("image", ["a.example:5000/b/c", "a.example:5000/b/c:v1", "a.example:5000/b/c@sha256:0123"])
def test_a_repository_has_no_tag(image):
    assert repository(image) == "a.example:5000/b/c"
