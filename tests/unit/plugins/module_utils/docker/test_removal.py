# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.docker import removal
from hypothesis import given
from hypothesis import strategies as st

OBJECTS = {
    "containers": [{"name": "waba-waweb-1"}, {"name": "waba-db-1"}],
    "networks": [{"name": "waba_default", "used_by": []}, {"name": "shared", "used_by": ["stranger"]}],
    "volumes": [
        {"name": "waba_mysqlData", "used_by": []},
        {"name": "adopted", "used_by": []},
        {"name": "waba_whatsappMedia", "used_by": ["stranger"]},
    ],
    "images": [{"name": "waba/node:v1.0.0", "used_by": []}, {"name": "waba/mariadb:v1.0.0", "used_by": ["stranger"]}],
}


@pytest.mark.parametrize(("remove_volumes", "volumes_gone"), [(False, []), (True, ["waba_mysqlData"])])
def test_an_uninstall_takes_only_what_nobody_else_needs(remove_volumes, volumes_gone):
    remove, keep = removal.plan_removal(OBJECTS, remove_volumes, keep_volumes=["adopted"])
    assert [item["name"] for item in remove] == ["waba-waweb-1", "waba-db-1", "waba_default", *volumes_gone]
    assert len(remove) + len(keep) == 9
    assert all(item["reason"] for item in keep)


def test_images_go_on_request_but_for_those_that_somebody_else_runs():
    remove, keep = removal.plan_removal(OBJECTS, False, [], remove_images=True)
    assert [item["name"] for item in remove if item["kind"] == "image"] == ["waba/node:v1.0.0"]
    assert {"kind": "image", "name": "waba/mariadb:v1.0.0", "reason": "in use by stranger, which is not ours"} in keep


@given(
    st.lists(
        st.tuples(st.sampled_from(["containers", "networks", "volumes", "images"]), st.integers(0, 9), st.booleans()),
        max_size=20,
    ),
    st.booleans(),
    st.booleans(),
    st.sets(st.integers(0, 9)),
)
def test_everything_is_either_removed_or_kept_with_a_reason_and_nothing_that_others_need_goes(
    things, volumes, images, external
):
    objects = {kind: [] for kind in ("containers", "networks", "volumes", "images")}
    for kind, number, used in things:
        objects[kind].append({"name": f"{kind}{number}", "used_by": ["stranger"] if used else []})
    keep_volumes = {f"volumes{number}" for number in external}
    remove, keep = removal.plan_removal(objects, volumes, keep_volumes, images)
    assert len(remove) + len(keep) == len(things)
    assert all(item["reason"] for item in keep)
    gone = {item["name"] for item in remove}
    assert not gone & keep_volumes
    assert volumes or not [item for item in remove if item["kind"] == "volume"]
    assert images or not [item for item in remove if item["kind"] == "image"]
    used = [f"{kind}{number}" for kind, number, used in things if used and kind != "containers"]
    assert sum(item["name"] in used for item in keep) >= len(used)


def test_what_never_was_ours_is_told_once():
    known = [{"kind": "volume", "name": "adopted", "reason": "it is declared external"}]
    told = removal.kept_outside(["adopted", "old_media"], {"/srv/media": [], "/mnt/wamedia": ["shop"]}, known)
    assert [(item["kind"], item["name"], item["reason"]) for item in told] == [
        ("volume", "old_media", "it is declared external"),
        ("folder", "/srv/media", "it is a folder of the host, mounted into containers"),
        ("folder", "/mnt/wamedia", "in use by shop, which is not ours"),
    ]


@pytest.mark.parametrize(
    ("noted", "removable", "containers", "volumes", "why"),
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
        (["docker.io", "runc"], [], [], [], "packages of others need it"),
        (["docker.io", "runc"], ["docker.io"], [], [], ""),
    ],
)
def test_docker_goes_only_where_the_collection_brought_it_and_nothing_is_left_in_it(
    noted, removable, containers, volumes, why
):
    assert removal.why_docker_stays(noted, removable, containers, volumes) == why
