# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import removal
from hypothesis import given
from hypothesis import strategies as st

OBJECTS = {
    "containers": [{"name": "waba-waweb-1"}, {"name": "waba-db-1"}],
    "networks": [{"name": "waba_default", "used_by": []}, {"name": "shared", "used_by": ["other"]}],
    "volumes": [
        {"name": "waba_mysqlData", "used_by": []},
        {"name": "adopted", "used_by": []},
        {"name": "waba_whatsappMedia", "used_by": ["other"]},
    ],
    "images": [{"name": "waba/node:v1.0.0", "used_by": []}, {"name": "waba/mariadb:v1.0.0", "used_by": ["other"]}],
}


@pytest.mark.parametrize(("remove_volumes", "removed_volumes"), [(False, []), (True, ["waba_mysqlData"])])
def test_an_uninstall_removes_only_objects_without_other_users(
    remove_volumes: bool, removed_volumes: list[str]
) -> None:
    remove, keep = removal.plan_removal(OBJECTS, remove_volumes, keep_volumes=["adopted"])
    assert [item["name"] for item in remove] == ["waba-waweb-1", "waba-db-1", "waba_default", *removed_volumes]
    assert len(remove) + len(keep) == 9
    assert all(item["reason"] for item in keep)


def test_images_without_other_users_are_removed_on_request() -> None:
    remove, keep = removal.plan_removal(OBJECTS, False, [], remove_images=True)
    assert [item["name"] for item in remove if item["kind"] == "image"] == ["waba/node:v1.0.0"]
    assert {
        "kind": "image",
        "name": "waba/mariadb:v1.0.0",
        "reason": "in use by other, which does not belong to the cluster",
    } in keep


@given(
    st.lists(
        st.tuples(st.sampled_from(["containers", "networks", "volumes", "images"]), st.integers(0, 9), st.booleans()),
        max_size=20,
    ),
    st.booleans(),
    st.booleans(),
    st.sets(st.integers(0, 9)),
)
def test_every_object_is_removed_or_kept_with_a_reason(
    things: list[tuple[str, int, bool]], volumes: bool, images: bool, external: set[int]
) -> None:
    objects = {kind: [] for kind in ("containers", "networks", "volumes", "images")}
    for kind, number, used in things:
        objects[kind].append({"name": f"{kind}{number}", "used_by": ["other"] if used else []})
    keep_volumes = {f"volumes{number}" for number in external}
    remove, keep = removal.plan_removal(objects, volumes, keep_volumes, images)
    assert len(remove) + len(keep) == len(things)
    assert all(item["reason"] for item in keep)
    removed = {item["name"] for item in remove}
    assert not removed & keep_volumes
    assert volumes or not [item for item in remove if item["kind"] == "volume"]
    assert images or not [item for item in remove if item["kind"] == "image"]
    used = [f"{kind}{number}" for kind, number, used in things if used and kind != "containers"]
    assert sum(item["name"] in used for item in keep) >= len(used)


def test_external_objects_are_listed_once() -> None:
    known = [{"kind": "volume", "name": "adopted", "reason": "it is declared external"}]
    rows = removal.external_objects(["adopted", "old_media"], {"/srv/media": [], "/mnt/wamedia": ["shop"]}, known)
    assert [(item["kind"], item["name"], item["reason"]) for item in rows] == [
        ("volume", "old_media", "it is declared external"),
        ("folder", "/srv/media", "it is a folder of the host, mounted into containers"),
        ("folder", "/mnt/wamedia", "in use by shop, which does not belong to the cluster"),
    ]


@pytest.mark.parametrize(
    ("noted", "removable", "containers", "volumes", "blocker"),
    [
        ([], [], [], [], "the collection did not install it"),
        (["docker-compose"], ["docker-compose"], [], [], "the collection did not install it"),
        (
            ["docker.io", "runc"],
            ["docker.io", "runc"],
            ["shop"],
            ["data"],
            "it holds the container shop, the volume data",
        ),
        (["docker.io", "runc"], ["docker.io", "runc"], [], ["waba_mysqlData"], "it holds the volume waba_mysqlData"),
        (["docker.io", "runc"], [], [], [], "other packages need it"),
        (["docker.io", "runc"], ["docker.io"], [], [], ""),
    ],
)
def test_docker_is_removed_only_where_the_collection_installed_it_and_it_is_empty(
    noted: list[str], removable: list[str], containers: list[str], volumes: list[str], blocker: str
) -> None:
    assert removal.docker_blocker(noted, removable, containers, volumes) == blocker
