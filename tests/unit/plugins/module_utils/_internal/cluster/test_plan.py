# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import plan
from hypothesis import given
from hypothesis import strategies as st

NODE, DATABASE = "waba/node:v1.0.0", "waba/mariadb:v1.0.0"
KNOWN = {NODE: {"id": "sha256:new", "source_hash": "new"}, DATABASE: {"id": "sha256:db", "source_hash": "db"}}
SERVICES = {"db": "mysql", "master": "master", "wacore": "coreapp", "waweb": "webapp", "api-proxy": "api_proxy"}
IMAGES = {"db": DATABASE, "master": NODE, "wacore": NODE, "waweb": NODE, "api-proxy": NODE}
FILES = ("db.env", "mysql.env", "multiconnect-compose.yml")
PARTS = {part: ["h"] for part in ("database", "masters", "coreapps", "webapps", "api_proxies", "nfs_clients")}


class Host:
    """A host as data: what it has, its observation, and the effect of each step on it."""

    def __init__(
        self,
        packages: set[str],
        running: bool,
        images: dict[str, bool],
        files: dict[str, str],
        containers: dict[str, str],
        strays: set[str],
        mounted: bool,
    ) -> None:
        self.packages, self.running, self.images = set(packages), running and packages == {"docker.io"}, dict(images)
        self.files, self.strays, self.mounted = dict(files), set(strays), mounted
        self.containers = dict(containers) if self.running else {}
        if not self.running:
            self.images, self.strays = {}, set()

    def observed(self) -> dict[str, Any]:
        actions = []
        for service, role in SERVICES.items():
            state = self.containers.get(service)
            action = {None: "create", "differs": "recreate", "stopped": "start"}.get(state)
            if action:
                entry = {
                    "service": service,
                    "role": role,
                    "image": IMAGES[service],
                    "action": action,
                    "reason": str(state),
                }
                actions.append(entry)
        changes = [name for name in FILES if self.files.get(name) != "current"]
        return {
            "docker": {
                "missing_packages": [] if self.packages == {"docker.io"} else ["docker.io"],
                "running": self.running,
                "proxy": "",
            },
            "images": {
                name: KNOWN[name] if fresh else {"id": "x", "source_hash": "x"} for name, fresh in self.images.items()
            },
            "files": dict.fromkeys(changes, "it differs"),
            "file_changes": [
                {"name": name, "action": "update" if name in self.files else "create"} for name in changes
            ],
            "single_connect": sorted(self.strays),
            "mount": {"change": None if self.mounted else ("/mnt/wamedia", "mount", "it is not mounted")},
            "services": [
                {
                    "service": name,
                    "role": role,
                    "image": IMAGES[name],
                    "container": "id" if name in self.containers else "",
                }
                for name, role in SERVICES.items()
            ],
            "actions": actions,
        }

    def apply(self, steps: Any) -> None:
        for step in steps:
            if step == "docker":
                self.packages, self.running = {"docker.io"}, True
            elif step == "images":
                for name in (NODE, DATABASE):
                    if not self.images.get(name):
                        self._replace(lambda service, name=name: IMAGES[service] == name)
                    self.images[name] = True
            elif step == "mount":
                self.mounted = True
                self._replace(lambda service: service != "db")
            elif step == "files":
                self.files, self.strays = dict.fromkeys(FILES, "current"), set()
            elif step in plan.ROLE_STEPS.values():
                for service, role in SERVICES.items():
                    if plan.ROLE_STEPS[role] == step:
                        self.containers[service] = "running"

    def _replace(self, chosen: Any) -> None:
        self.containers = {name: "differs" if chosen(name) else state for name, state in self.containers.items()}


hosts = st.builds(
    Host,
    packages=st.sampled_from([set(), {"docker.io"}]),
    running=st.booleans(),
    images=st.dictionaries(st.sampled_from([NODE, DATABASE]), st.booleans()),
    files=st.dictionaries(st.sampled_from(FILES), st.sampled_from(["current", "old"])),
    containers=st.dictionaries(st.sampled_from(sorted(SERVICES)), st.sampled_from(["running", "differs", "stopped"])),
    strays=st.sets(st.sampled_from(["biz_wacore_1"])),
    mounted=st.booleans(),
)


def changes_of(host: Host) -> list[plan.Change]:
    return plan.host_changes("h", host.observed(), KNOWN, [NODE, DATABASE])


@given(hosts)
def test_an_applied_plan_leaves_nothing_to_change(host: Host) -> None:
    host.apply(plan.steps(changes_of(host), PARTS).get("h", []))
    assert changes_of(host) == []


@given(hosts)
def test_the_plan_names_every_container_that_the_run_touches(host: Host) -> None:
    before = copy.deepcopy(host.containers)
    changes = changes_of(host)
    host.apply(plan.steps(changes, PARTS).get("h", []))
    touched = {name for name, state in host.containers.items() if state != before.get(name)}
    named = {change.object.removeprefix("container ") for change in changes if change.step in plan.ROLE_STEPS.values()}
    assert touched <= named


@given(hosts)
def test_the_steps_of_a_host_follow_the_order_of_a_run(host: Host) -> None:
    steps = plan.steps(changes_of(host), PARTS).get("h", [])
    assert steps == sorted(steps, key=plan.STEPS.index)


def test_generated_secrets_are_followed_by_the_files_and_the_containers_of_every_host() -> None:
    change = plan.Change(plan.CONTROLLER, "secrets", "/i/secrets.yml", "write", "no value is set for waba_api_key")
    parts = {"database": ["d"], "masters": ["m"], "webapps": ["m", "w"], "nfs_clients": ["n"]}
    assert plan.steps([change], parts) == {
        "d": ["files", "database"],
        "m": ["files", "masters", "webapps"],
        "w": ["files", "webapps"],
    }


def test_nothing_to_change_is_one_sentence() -> None:
    assert plan.lines([]) == ["Nothing to change: every host is as its settings say."]


def test_a_change_that_hosts_share_is_one_row() -> None:
    changes = [plan.Change(host, "docker", "Docker Engine", "start", "it does not run") for host in ("a", "b")]
    assert plan.lines(changes)[2] == "a, b  Docker Engine  start   it does not run"


def test_an_initial_password_of_the_admin_is_a_change_of_the_cluster() -> None:
    health = {"healthy": True, "shards": 0}
    changes = plan.cluster_changes("h", {**health, "login": "initial"}, 1)
    assert [change.object for change in changes] == ["password of admin"]
    for login in ("accepted", "unknown", "refused"):
        assert plan.cluster_changes("h", {**health, "login": login}, 1) == []


def test_another_number_of_shards_is_a_change_of_the_cluster() -> None:
    health = {"healthy": False, "shards": 1, "login": "accepted"}
    assert [change.reason for change in plan.cluster_changes("h", health, 2)] == ["it is 1, not 2"]
    assert plan.cluster_changes("h", {}, 2) == []


def test_the_plan_names_the_settings_that_are_only_known_once_a_webapp_answers() -> None:
    change = plan.Change("a", "docker", "Docker Engine", "start", "it does not run")
    assert plan.lines([change], api_follows=True)[-1].startswith("Once a webapp answers: ")
    assert not plan.lines([change])[-1].startswith("Once")


def test_parts_and_files_that_differ_are_in_the_diff() -> None:
    seen = {
        "firewall": {"change": ("firewall", "apply", "it differs"), "diff": {"before": "", "after": "-A INPUT\n"}},
        "export": {"change": None, "diff": {}},
        "mount": {"change": ("share on /mnt/wamedia", "mount", "its server does not export it yet"), "diff": {}},
        "file_changes": [
            {
                "name": "db.env",
                "diff": {"before": "a\n", "after": "b\n", "before_header": "/o/db.env", "after_header": "/o/db.env"},
            },
            {"name": "mysql.env", "diff": {}},
        ],
    }
    headers = [(diff["before_header"], diff["after"]) for diff in plan.diffs("node1", seen)]
    assert headers == [("node1: firewall", "-A INPUT\n"), ("node1: /o/db.env", "b\n")]
    assert plan.diffs("node1", {}) == []


@pytest.mark.parametrize(("health", "guards", "waits"), [("starting", 1, 1), ("healthy", 1, 0), ("starting", 0, 0)])
def test_a_member_that_has_not_joined_the_others_takes_part_in_the_run(health: str, guards: int, waits: int) -> None:
    service = {"image": DATABASE, "container": "id", "health": health}
    services = [{**service, "service": "db", "role": "mysql"}]
    services += [{**service, "service": "db-guard", "role": "guard", "health": ""}] * guards
    host = Host({"docker.io"}, True, {DATABASE: True}, dict.fromkeys(FILES, "current"), {}, set(), True)
    seen = {**host.observed(), "services": services, "actions": []}
    changes = [one for one in plan.host_changes("h", seen, KNOWN, []) if one.step == "database"]
    assert [(one.object, one.action) for one in changes] == [("container db", "wait for")] * waits


@pytest.mark.parametrize(("health", "waits"), [("starting", 1), ("unhealthy", 1), ("healthy", 0)])
def test_an_arbitrator_that_does_not_vote_takes_part_in_the_run(health: str, waits: int) -> None:
    service = {"image": DATABASE, "container": "id", "health": health, "service": "db-arbitrator", "role": "arbitrator"}
    host = Host({"docker.io"}, True, {DATABASE: True}, dict.fromkeys(FILES, "current"), {}, set(), True)
    seen = {**host.observed(), "services": [service], "actions": []}
    changes = [one for one in plan.host_changes("h", seen, KNOWN, []) if one.step == "arbitrator"]
    assert [(one.object, one.action) for one in changes] == [("container db-arbitrator", "wait for")] * waits


def test_the_arbitrator_takes_part_in_every_change_of_the_members() -> None:
    parts = {**dict.fromkeys(PARTS, ()), "database": ["db1", "db2"], "arbitrator": ["v"]}
    change = plan.Change("db1", "database", "container db", "recreate", "changed: image")
    assert plan.steps([change], parts) == {"db1": ["database"], "db2": ["database"], "v": ["database", "arbitrator"]}
    change = plan.Change("v", "arbitrator", "container db-arbitrator", "recreate", "changed: image")
    assert plan.steps([change], parts) == {"v": ["arbitrator"]}
