# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import itertools
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout import order
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW, NEWER = (f"waba/node:v{version}" for version in ("1.9.0", "1.10.0", "1.11.0"))
TARGET = {"coreapp": NEW, "webapp": NEW}
IDS = {NEW: "sha256:new"}
EXPECTED = {"masters": 2, "coreapps": 2, "shards": 1}
UPGRADE = {"back": False, "outage": False}
SCHEMA = {"version": "1.10.0", "pending": [], "mismatch": None}
ORDER = ["unfinished", "secondary masters", "primary master", "spare coreapps", "connected coreapps", "webapps"]


def node(service: str, role: str, image: str = OLD, **more: str) -> dict[str, str]:
    ids = {OLD: "sha256:old", **IDS}
    return {
        "service": service,
        "role": role,
        "file_image": image,
        "container": f"id-{service}",
        "image": image,
        "image_id": ids.get(image, ""),
        "state": "running",
        "health": "healthy",
        **more,
    }


def cluster_health(
    primary: str = "master2",
    connected: str | None = "wacore2",
    nodes: Iterable[str] = ("master1", "master2", "wacore1", "wacore2"),
) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "container": f"id-{name}",
            "role": "coreapp" if "core" in name else "primary_master" if name == primary else "secondary_master",
            "gateway_status": "connected" if name == connected else "disconnected",
            "problem": "",
        }
        for name in nodes
    ]


def cluster(**images: str) -> dict[str, Any]:
    """Return a single server. images: {service: image} for services with another image than OLD."""
    roles = {"master1": "master", "master2": "master", "wacore1": "coreapp", "wacore2": "coreapp"}
    roles |= {"waweb1": "webapp", "waweb2": "webapp"}
    nodes = [node(service, role, images.get(service, OLD)) for service, role in roles.items()]
    return {"host1": {"nodes": nodes, "images": IDS}}


def steps_of(found: Any, health: Any, serial: int = 1, outage: bool = False) -> list[tuple[str, list[str]]]:
    steps = order.batches(found, health, TARGET, serial, outage)
    return [(step["phase"], [member["service"] for member in step["members"]]) for step in steps]


def problems_of(
    found: Any, health: Any = None, images: Any = None, schema: Any = None, options: Any = None
) -> list[str]:
    schema = SCHEMA if schema is None else schema
    found = order.plan_problems(
        found, health or cluster_health(), images or TARGET, schema, EXPECTED, options or UPGRADE
    )
    return [f"{problem.variable} {problem.value}: {problem.problem}. {problem.fix}" for problem in found]


def test_primary_and_connected_nodes_are_last_of_their_kind() -> None:
    assert steps_of(cluster(), cluster_health()) == [
        ("secondary masters", ["master1"]),
        ("primary master", ["master2"]),
        ("spare coreapps", ["wacore1"]),
        ("connected coreapps", ["wacore2"]),
        ("webapps", ["waweb1"]),
        ("webapps", ["waweb2"]),
    ]
    assert steps_of(cluster(), cluster_health("master1", "wacore1"))[0] == ("secondary masters", ["master2"])


def test_nodes_with_their_image_are_not_touched() -> None:
    everything = dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW)
    assert steps_of(cluster(**everything), cluster_health()) == []
    del everything["waweb2"]
    assert steps_of(cluster(**everything), cluster_health()) == [("webapps", ["waweb2"])]


def test_a_rebuilt_image_of_the_same_name_is_another_image() -> None:
    found = cluster(**dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW))
    found["host1"]["nodes"][0]["image_id"] = "sha256:former build"
    assert steps_of(found, cluster_health()) == [("secondary masters", ["master1"])]


def test_a_node_of_a_rebuilt_image_is_restored_to_the_id_of_its_former_image() -> None:
    found = cluster(**dict.fromkeys(("master1", "master2", "wacore1", "wacore2", "waweb2"), NEW))
    found["host1"]["nodes"][0]["image_id"] = "sha256:before"
    steps = order.batches(found, cluster_health(), TARGET, 1, False)
    former = {member["service"]: member["from"] for step in steps for member in step["members"]}
    assert former == {"master1": "sha256:before", "waweb1": OLD}


def test_nodes_of_an_interrupted_run_are_first() -> None:
    found = cluster(master1=NEW)
    found["host1"]["nodes"][0] |= {"container": "", "image": "", "image_id": "", "state": "", "health": ""}
    observed = cluster_health(nodes=("master2", "wacore1", "wacore2"))
    assert problems_of(found, observed) == []
    assert steps_of(found, observed)[0] == ("unfinished", ["master1"])


def test_a_node_drained_by_a_killed_run_does_not_prevent_its_upgrade() -> None:
    """The run was killed after it drained the node and before it replaced the container."""
    found, observed = cluster(), cluster_health()
    found["host1"]["nodes"][2]["file_image"] = NEW
    observed[2]["problem"] = "draining: out of service until it resumes or is restarted"
    assert problems_of(found, observed) == []
    assert steps_of(found, observed)[2] == ("spare coreapps", ["wacore1"]), "in its normal position"
    found["host1"]["nodes"][2]["file_image"] = OLD
    assert problems_of(found, observed) != []


def test_a_node_stopped_by_an_interrupted_restart_is_first() -> None:
    found, observed = cluster(), cluster_health()
    found["host1"]["nodes"][0]["state"] = "exited"
    del observed[0]
    assert list(order.plan_problems(found, observed, None, {}, EXPECTED, UPGRADE)) == []
    steps = order.batches(found, observed, None, 1, False)
    assert [member["service"] for member in steps[0]["members"]] == ["master1"]
    assert sorted(member["service"] for step in steps for member in step["members"]) == sorted(
        one["service"] for one in found["host1"]["nodes"]
    )
    observed[0]["role"] = "secondary_master"
    assert list(order.plan_problems(found, observed, None, {}, EXPECTED, UPGRADE)) != [], "no other master would serve"


def test_node_drained_by_a_killed_restart_is_first() -> None:
    found, observed = cluster(), cluster_health()
    observed[2]["problem"] = "draining: out of service until it is resumed or restarted"
    name = next(one["service"] for one in found["host1"]["nodes"] if one["container"] == observed[2]["container"])
    assert list(order.plan_problems(found, observed, None, {}, EXPECTED, UPGRADE)) == []
    steps = order.batches(found, observed, None, 1, False)
    assert (steps[0]["phase"], [one["service"] for one in steps[0]["members"]]) == ("unfinished", [name])
    others = {"host1": [one["service"] for one in found["host1"]["nodes"] if one["service"] != name]}
    refused = list(order.plan_problems(found, observed, None, {}, EXPECTED, UPGRADE, others))
    assert refused, "it would stay drained"


def test_only_selected_services_and_unfinished_ones_are_restarted() -> None:
    found, observed = cluster(), cluster_health()
    selected = {"host1": ["wacore2", "master1"]}
    steps = order.batches(found, observed, None, 1, False, selected)
    assert sorted(one["service"] for step in steps for one in step["members"]) == ["master1", "wacore2"]
    found["host1"]["nodes"][1]["state"] = "exited"
    steps = order.batches(found, observed, None, 1, False, selected)
    assert [one["service"] for one in steps[0]["members"]] == [found["host1"]["nodes"][1]["service"]]
    assert order.batches(cluster(), observed, None, 1, False, {}) == []


def test_an_outage_changes_each_role_at_once() -> None:
    assert steps_of(cluster(), cluster_health(), outage=True) == [
        ("all masters", ["master1", "master2"]),
        ("all coreapps", ["wacore1", "wacore2"]),
        ("all webapps", ["waweb1", "waweb2"]),
    ]


def test_an_outage_without_a_due_node_stops_nothing() -> None:
    everything = dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW)
    assert steps_of(cluster(**everything), cluster_health(), outage=True) == []


def test_a_killed_outage_is_continued_with_the_masters() -> None:
    found = cluster(master1=NEW, master2=NEW)
    for one in found["host1"]["nodes"][2:]:
        one["state"] = "exited"
    assert steps_of(found, [], outage=True)[0] == ("all masters", ["master1", "master2"])


def test_an_outage_does_not_touch_nodes_without_a_file() -> None:
    found = cluster()
    found["host1"]["nodes"].append(node("former", "webapp", NEW, file_image=""))
    assert "former" not in [name for _phase, members in steps_of(found, [], outage=True) for name in members]


# What a run that was killed may leave of a node: its file is written first, then its container replaced.
MIXED = st.tuples(
    st.sampled_from([(OLD, OLD), (NEW, OLD), (NEW, NEW), (NEW, "")]), st.sampled_from(["running", "exited"])
)


@given(st.lists(MIXED, min_size=6, max_size=6))
def test_after_an_outage_every_node_runs_the_new_image(left: list[tuple[tuple[str, str], str]]) -> None:
    found = cluster()
    for one, ((file_image, image), state) in zip(found["host1"]["nodes"], left, strict=True):
        one |= node(one["service"], one["role"], image, file_image=file_image, state=state if image else "")
    nodes = {one["service"]: one for one in found["host1"]["nodes"]}
    steps = order.batches(found, [], TARGET, 1, True)
    for one in nodes.values() if steps else ():
        one["state"] = "exited"  # all of them, as the role does first
    for member in (member for step in steps for member in step["members"]):
        nodes[member["service"]] |= {"state": "running", "image": member["to"]}
    assert {(one["state"], one["image"]) for one in nodes.values()} == {("running", NEW)}


@given(
    st.dictionaries(st.sampled_from(["master", "coreapp", "webapp"]), st.integers(2, 6), min_size=3),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_every_node_changes_once_in_order_and_some_of_each_kind_stay(
    counts: dict[str, int], serial: int, random: Random
) -> None:
    services = [f"{role}{number}" for role, count in counts.items() for number in range(count)]
    found = {"host1": {"nodes": [node(name, name.rstrip("0123456789")) for name in services], "images": IDS}}
    masters, cores = ([name for name in services if name.startswith(role)] for role in ("master", "coreapp"))
    observed = cluster_health(random.choice(masters), random.choice(cores), masters + cores)
    for one in observed:
        one["role"] = "coreapp" if one["name"] in cores else one["role"]
    steps = steps_of(found, observed, serial)
    assert sorted(itertools.chain.from_iterable(members for _phase, members in steps)) == sorted(services)
    assert [ORDER.index(phase) for phase, _members in steps] == sorted(ORDER.index(phase) for phase, _members in steps)
    for phase, members in steps:
        assert len(members) <= serial
        if phase in ("primary master", "connected coreapps"):
            assert len(members) == 1
        if phase == "webapps":
            assert len(members) < counts["webapp"]
        if phase == "spare coreapps" and counts["coreapp"] > 2:
            assert len(members) <= counts["coreapp"] - 2


def test_a_healthy_cluster_may_be_upgraded() -> None:
    assert problems_of(cluster()) == []


def test_an_unhealthy_cluster_is_upgraded_only_with_waba_upgrade_outage() -> None:
    observed = cluster_health(connected=None)
    (reason, other) = problems_of(cluster(), observed)
    assert "0 coreapps connected, not 1" in reason
    assert "start.yml" in other
    assert problems_of(cluster(), observed, options={**UPGRADE, "outage": True}) == []


def test_a_stopped_webapp_makes_the_cluster_unhealthy() -> None:
    found = cluster()
    found["host1"]["nodes"][4] |= {"state": "exited", "health": "unhealthy"}
    assert ["waweb1 on host1 is exited unhealthy" in line for line in problems_of(found)] == [True]


def test_going_back_requires_rollback_yml() -> None:
    found = cluster(master1=NEWER)
    assert any("nodes run version 1.11.0: this would go back. Run rollback.yml" in line for line in problems_of(found))
    assert problems_of(cluster(master1=NEW), options={"back": True, "outage": False}) == []
    assert "Run upgrade.yml" in problems_of(cluster(), options={"back": True, "outage": False})[0]


@pytest.mark.parametrize(
    ("images", "schema", "part"),
    [
        ({**TARGET, "webapp": NEWER}, SCHEMA, "webapps would have version 1.11.0, masters and coreapps 1.10.0"),
        ({"coreapp": NEWER, "webapp": NEWER}, {}, "host1 lacks it"),
        (TARGET, {**SCHEMA, "version": "1.8.0"}, "the node in it reports version 1.8.0"),
        (TARGET, {**SCHEMA, "mismatch": "the schema is too new"}, "the schema is too new. Restore a backup"),
        (
            TARGET,
            {**SCHEMA, "pending": [{"revision": "0003", "blockers": ["core (1.9.0)"]}]},
            "with migration 0003 the nodes core (1.9.0) cannot go on working. Set waba_upgrade_outage to true",
        ),
    ],
)
def test_an_upgrade_that_would_fail_is_refused(images: dict[str, str], schema: dict[str, Any], part: str) -> None:
    assert any(part in line for line in problems_of(cluster(), images=images, schema=schema))


def test_a_compatible_migration_is_no_problem() -> None:
    assert (
        problems_of(cluster(), schema={**SCHEMA, "mismatch": "waits", "pending": [{"revision": "2", "blockers": []}]})
        == []
    )


def test_site_yml_does_not_change_a_version() -> None:
    nodes = cluster(master1=NEWER)["host1"]["nodes"]
    (back, forward) = sorted(order.version_problems(nodes, TARGET, False), key=lambda problem: problem.problem)[:2]
    assert back.fix == "Set waba_version to 1.11.0, or run rollback.yml to go back"
    assert "from version 1.9.0 to 1.10.0 all at once" in forward.problem
    assert forward.fix.startswith("Run upgrade.yml")
    assert order.version_problems(nodes, TARGET, True) == []
    assert order.version_problems([node("master1", "master", "registry/other:v1.10.0")], TARGET, False) == []


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("waba/node:v1.10.0", "1.10.0"),
        ("docker.whatsapp.biz/coreapp:v2.19.7", "2.19.7"),
        ("host:5000/waba/node:1.0.0-rc1", "1.0.0"),
        ("host:5000/waba/node", ""),
        ("waba/node:latest", ""),
        ("waba/node:v1.0.0@sha256:abc", "1.0.0"),
        ("sha256:3f1c", ""),
    ],
)
def test_a_tag_names_a_version(image: str, version: str) -> None:
    assert order.version_of(image) == version
