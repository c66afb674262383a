# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import itertools

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.rollout import order as rolling
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW, NEWER = (f"waba/node:v{version}" for version in ("1.9.0", "1.10.0", "1.11.0"))
TARGET = {"coreapp": NEW, "webapp": NEW}
IDS = {NEW: "sha256:new"}
EXPECTED = {"masters": 2, "coreapps": 2, "shards": 1}
UPGRADE = {"back": False, "outage": False}
SCHEMA = {"version": "1.10.0", "pending": [], "misfit": None}
ORDER = ["unfinished", "secondary masters", "primary master", "spare coreapps", "connected coreapps", "webapps"]


def node(service, role, image=OLD, **more):
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


def health(primary="master2", connected="wacore2", nodes=("master1", "master2", "wacore1", "wacore2")):
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


def cluster(**images):
    """A single server; images: {service: image} of those that are not OLD."""
    roles = {"master1": "master", "master2": "master", "wacore1": "coreapp", "wacore2": "coreapp"}
    roles |= {"waweb1": "webapp", "waweb2": "webapp"}
    nodes = [node(service, role, images.get(service, OLD)) for service, role in roles.items()]
    return {"host1": {"nodes": nodes, "images": IDS}}


def order(found, seen, serial=1, outage=False):
    steps = rolling.batches(found, seen, TARGET, serial, outage)
    return [(step["phase"], [member["service"] for member in step["members"]]) for step in steps]


def told(found, seen=None, images=None, schema=None, options=None):
    schema = SCHEMA if schema is None else schema
    found = rolling.plan_problems(found, seen or health(), images or TARGET, schema, EXPECTED, options or UPGRADE)
    return [f"{problem.variable} {problem.value}: {problem.problem}. {problem.fix}" for problem in found]


def test_who_is_primary_or_connected_goes_last_among_its_kind():
    assert order(cluster(), health()) == [
        ("secondary masters", ["master1"]),
        ("primary master", ["master2"]),
        ("spare coreapps", ["wacore1"]),
        ("connected coreapps", ["wacore2"]),
        ("webapps", ["waweb1"]),
        ("webapps", ["waweb2"]),
    ]
    assert order(cluster(), health("master1", "wacore1"))[0] == ("secondary masters", ["master2"])


def test_what_has_its_image_already_is_left_alone():
    everything = dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW)
    assert order(cluster(**everything), health()) == []
    del everything["waweb2"]
    assert order(cluster(**everything), health()) == [("webapps", ["waweb2"])]


def test_the_same_name_with_another_content_is_another_image():
    found = cluster(**dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW))
    found["host1"]["nodes"][0]["image_id"] = "sha256:former build"
    assert order(found, health()) == [("secondary masters", ["master1"])]


def test_what_an_interrupted_run_left_comes_first():
    found = cluster(master1=NEW)
    found["host1"]["nodes"][0] |= {"container": "", "image": "", "image_id": "", "state": "", "health": ""}
    seen = health(nodes=("master2", "wacore1", "wacore2"))
    assert told(found, seen) == []
    assert order(found, seen)[0] == ("unfinished", ["master1"])


def test_a_node_that_was_drained_for_its_new_image_is_no_reason_against_it():
    """The run was killed between the draining and the replacing: the node runs, and is out of service until it is replaced."""
    found, seen = cluster(), health()
    found["host1"]["nodes"][2]["file_image"] = NEW
    seen[2]["problem"] = "draining: out of service until it is told to resume or is restarted"
    assert told(found, seen) == []
    assert order(found, seen)[2] == ("spare coreapps", ["wacore1"]), "in its turn"
    found["host1"]["nodes"][2]["file_image"] = OLD
    assert told(found, seen) != []


def test_a_node_that_a_restart_stopped_and_did_not_start_comes_first():
    found, seen = cluster(), health()
    found["host1"]["nodes"][0]["state"] = "exited"
    del seen[0]
    assert list(rolling.plan_problems(found, seen, None, {}, EXPECTED, UPGRADE)) == []
    steps = rolling.batches(found, seen, None, 1, False)
    assert [member["service"] for member in steps[0]["members"]] == ["master1"]
    assert sorted(member["service"] for step in steps for member in step["members"]) == sorted(
        one["service"] for one in found["host1"]["nodes"]
    )
    seen[0]["role"] = "secondary_master"
    assert list(rolling.plan_problems(found, seen, None, {}, EXPECTED, UPGRADE)) != [], "nobody else would serve"


def test_an_outage_takes_each_role_at_once():
    assert order(cluster(), health(), outage=True) == [
        ("all masters", ["master1", "master2"]),
        ("all coreapps", ["wacore1", "wacore2"]),
        ("all webapps", ["waweb1", "waweb2"]),
    ]


def test_an_outage_for_nothing_stops_nothing():
    everything = dict.fromkeys(["master1", "master2", "wacore1", "wacore2", "waweb1", "waweb2"], NEW)
    assert order(cluster(**everything), health(), outage=True) == []


def test_an_outage_that_was_killed_after_the_masters_starts_them_too():
    found = cluster(master1=NEW, master2=NEW)
    for one in found["host1"]["nodes"][2:]:
        one["state"] = "exited"
    assert order(found, [], outage=True)[0] == ("all masters", ["master1", "master2"])


def test_an_outage_leaves_alone_what_is_in_no_file():
    found = cluster()
    found["host1"]["nodes"].append(node("former", "webapp", NEW, file_image=""))
    assert "former" not in [name for _phase, members in order(found, [], outage=True) for name in members]


# What a run that was killed may leave of a node: its file is written first, then its container replaced.
MIXED = st.tuples(
    st.sampled_from([(OLD, OLD), (NEW, OLD), (NEW, NEW), (NEW, "")]), st.sampled_from(["running", "exited"])
)


@given(st.lists(MIXED, min_size=6, max_size=6))
def test_after_an_outage_every_node_runs_the_new_image(left):
    found = cluster()
    for one, ((file_image, image), state) in zip(found["host1"]["nodes"], left, strict=True):
        one |= node(one["service"], one["role"], image, file_image=file_image, state=state if image else "")
    nodes = {one["service"]: one for one in found["host1"]["nodes"]}
    steps = rolling.batches(found, [], TARGET, 1, True)
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
def test_every_node_once_in_order_and_some_of_each_kind_always_stay(counts, serial, random):
    services = [f"{role}{number}" for role, count in counts.items() for number in range(count)]
    found = {"host1": {"nodes": [node(name, name.rstrip("0123456789")) for name in services], "images": IDS}}
    masters, cores = ([name for name in services if name.startswith(role)] for role in ("master", "coreapp"))
    seen = health(random.choice(masters), random.choice(cores), masters + cores)
    for one in seen:
        one["role"] = "coreapp" if one["name"] in cores else one["role"]
    steps = order(found, seen, serial)
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


def test_a_healthy_cluster_may_be_upgraded():
    assert told(cluster()) == []


def test_an_unhealthy_cluster_may_not_unless_an_outage_is_accepted():
    seen = health(connected=None)
    (reason, other) = told(cluster(), seen)
    assert "0 coreapps connected, not 1" in reason
    assert "start.yml" in other
    assert told(cluster(), seen, options={**UPGRADE, "outage": True}) == []


def test_a_webapp_that_stands_still_is_no_healthy_cluster():
    found = cluster()
    found["host1"]["nodes"][4] |= {"state": "exited", "health": "unhealthy"}
    assert ["waweb1 on host1 is exited unhealthy" in line for line in told(found)] == [True]


def test_going_back_must_be_asked_for_by_its_own_playbook():
    found = cluster(master1=NEWER)
    assert any("nodes run version 1.11.0: this would go back. Run rollback.yml" in line for line in told(found))
    assert told(cluster(master1=NEW), options={"back": True, "outage": False}) == []
    assert "Run upgrade.yml" in told(cluster(), options={"back": True, "outage": False})[0]


@pytest.mark.parametrize(
    ("images", "schema", "part"),
    [
        ({**TARGET, "webapp": NEWER}, SCHEMA, "webapps would have version 1.11.0, masters and coreapps 1.10.0"),
        ({"coreapp": NEWER, "webapp": NEWER}, {}, "host1 lacks it"),
        (TARGET, {**SCHEMA, "version": "1.8.0"}, "the node in it says that it is version 1.8.0"),
        (TARGET, {**SCHEMA, "misfit": "the schema is too new"}, "the schema is too new. Restore a backup"),
        (
            TARGET,
            {**SCHEMA, "pending": [{"revision": "0003", "blockers": ["core (1.9.0)"]}]},
            "with migration 0003 the nodes core (1.9.0) cannot go on working. Set waba_upgrade_outage to true",
        ),
    ],
)
def test_what_would_not_go_well_is_refused_by_name(images, schema, part):
    assert any(part in line for line in told(cluster(), images=images, schema=schema))


def test_a_schema_that_changes_compatibly_is_no_problem():
    assert told(cluster(), schema={**SCHEMA, "misfit": "waits", "pending": [{"revision": "2", "blockers": []}]}) == []


def test_site_may_not_change_a_version():
    nodes = cluster(master1=NEWER)["host1"]["nodes"]
    (back, forth) = sorted(rolling.version_problems(nodes, TARGET, False), key=lambda problem: problem.problem)[:2]
    assert back.fix == "Set waba_version to 1.11.0, or run rollback.yml to go back"
    assert "from version 1.9.0 to 1.10.0 all at once" in forth.problem
    assert forth.fix.startswith("Run upgrade.yml")
    assert rolling.version_problems(nodes, TARGET, True) == []
    assert rolling.version_problems([node("master1", "master", "registry/other:v1.10.0")], TARGET, False) == []


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("waba/node:v1.10.0", "1.10.0"),
        ("docker.whatsapp.biz/coreapp:v2.19.7", "2.19.7"),
        ("host:5000/waba/node:1.0.0-rc1", "1.0.0"),
        ("host:5000/waba/node", ""),
        ("waba/node:latest", ""),
        ("waba/node:v1.0.0@sha256:abc", "1.0.0"),
    ],
)
def test_a_tag_names_a_version(image, version):
    assert rolling.version_of(image) == version
