# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import convergence, services
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.containers import compose_name
from hypothesis import given
from hypothesis import strategies as st

SERVICES = ["db", "master1", "master2", "wacore1", "wacore2", "waweb"]
STATES = ["running", "restarting", "created", "exited", "paused", "dead"]


@pytest.fixture
def wanted(recorded: dict[str, Any]) -> dict[str, Any]:
    return services.wanted_services(recorded["compose_config"], recorded["images"])


@pytest.fixture
def had(recorded: dict[str, Any]) -> dict[str, Any]:
    return observed(recorded["containers"])


def observed(containers: list[dict[str, Any]]) -> dict[str, Any]:
    networks = {end["NetworkID"] for item in containers for end in item["NetworkSettings"]["Networks"].values()}
    return {
        item["Config"]["Labels"]["com.docker.compose.service"]: [
            {
                "id": item["Id"],
                "name": item["Name"].lstrip("/"),
                "compose_name": compose_name(item),
                "state": item["State"]["Status"],
                "image": item["Config"]["Image"],
                "aspects": services.container_aspects(item, networks),
                "stale_binds": [],
            }
        ]
        for item in containers
    }


def test_no_action_is_planned_for_containers_that_compose_created(wanted: dict[str, Any], had: dict[str, Any]) -> None:
    assert sorted(had) == SERVICES
    assert convergence.plan_present(wanted, had) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda item: item["Config"]["Env"].append("EXTRA=1"), "environment EXTRA"),
        (lambda item: item["Config"]["Env"].remove("WA_DB_HOSTNAME=db"), "environment WA_DB_HOSTNAME"),
        (lambda item: item.update(Image="sha256:other"), "image"),
        (lambda item: item["Config"]["Labels"].pop("waba.cluster.name"), "labels"),
        (lambda item: item["Config"].update(StopTimeout=10), "stop timeout"),
        (lambda item: item["Config"]["Cmd"].pop(), "command"),
        (lambda item: item["HostConfig"]["RestartPolicy"].update(Name="no"), "restart"),
        (lambda item: item["HostConfig"].update(CapDrop=None), "cap drop"),
        (lambda item: item["HostConfig"].update(CapAdd=["SYS_ADMIN"]), "cap add"),
        (lambda item: item["HostConfig"].update(SecurityOpt=None), "privileges"),
        (lambda item: item["HostConfig"].update(ReadonlyRootfs=False), "read only"),
        (lambda item: item["HostConfig"].update(Tmpfs={}), "tmpfs"),
        (lambda item: item["HostConfig"].update(Sysctls={"kernel.msgmax": "1"}), "sysctls"),
        (lambda item: item["HostConfig"].update(Memory=0), "memory"),
        (lambda item: item["HostConfig"].update(PidsLimit=-1), "processes"),
        (lambda item: item["HostConfig"]["PortBindings"].popitem(), "ports"),
        (lambda item: item["Mounts"][0].update(Name="elsewhere"), "mounts"),
        (lambda item: item["NetworkSettings"]["Networks"].clear(), "networks"),
        (lambda item: item["HostConfig"]["LogConfig"].update(Config={}), "logging"),
        (lambda item: item["HostConfig"]["LogConfig"].update(Type="journald"), "logging"),
    ],
)
def test_only_a_container_that_differs_is_recreated(
    recorded: dict[str, Any], wanted: dict[str, Any], change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    containers = copy.deepcopy(recorded["containers"])
    change(next(item for item in containers if item["Name"] == "/waba-master1-1"))
    actions = convergence.plan_present(wanted, observed(containers))
    assert actions == [convergence.Action("master1", "recreate", f"changed: {reason}")]


@pytest.mark.parametrize(("state", "then"), [("running", []), ("created", ["start"]), ("exited", ["start"])])
def test_a_container_with_a_temporary_name_is_renamed(
    recorded: dict[str, Any], wanted: dict[str, Any], state: str, then: list[str]
) -> None:
    containers = copy.deepcopy(recorded["containers"])
    item = next(item for item in containers if item["Name"] == "/waba-master1-1")
    item["Name"], item["State"]["Status"] = "/0123456789ab_waba-master1-1", state
    actions = convergence.plan_present(wanted, observed(containers))
    assert [(action.service, action.action) for action in actions] == [("master1", kind) for kind in ["rename", *then]]


def test_rotated_password_does_not_replace_the_database_container(
    recorded: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """The server reads its passwords at its first start only."""
    wanted["db"]["environment"].update(MYSQL_USER="waba_2", MYSQL_PASSWORD="new", MYSQL_ROOT_PASSWORD="new")
    assert convergence.plan_present(wanted, observed(recorded["containers"])) == []
    wanted["db"]["environment"]["MYSQL_DATABASE"] = "other"
    (action,) = convergence.plan_present(wanted, observed(recorded["containers"]))
    assert (action.service, action.reason) == ("db", "changed: environment MYSQL_DATABASE")
    wanted["waweb"]["environment"]["MYSQL_PASSWORD"] = "new"
    assert "waweb" in [one.service for one in convergence.plan_present(wanted, observed(recorded["containers"]))]


def test_other_spellings_of_newer_engines_are_no_difference(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    containers = copy.deepcopy(recorded["containers"])
    for item in containers:
        item["HostConfig"]["CapAdd"] = [f"CAP_{name}" for name in item["HostConfig"]["CapAdd"]]
        item["HostConfig"]["SecurityOpt"] = ["no-new-privileges"]
        item["Mounts"].append({"Type": "volume", "Name": "0" * 64, "Source": "/x", "Destination": "/x", "RW": True})
    assert convergence.plan_present(wanted, observed(containers)) == []


def test_options_of_the_engines_own_logging_are_no_difference(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    containers = copy.deepcopy(recorded["containers"])
    for item in containers:
        item["HostConfig"]["LogConfig"]["Config"]["labels"] = "site"
    assert convergence.plan_present(wanted, observed(containers)) == []


def test_logging_that_the_file_leaves_to_the_engine_is_no_difference(recorded: dict[str, Any]) -> None:
    document = copy.deepcopy(recorded["compose_config"])
    for service in document["services"].values():
        del service["logging"]
    wanted = services.wanted_services(document, recorded["images"])
    assert convergence.plan_present(wanted, observed(recorded["containers"])) == []


def test_a_command_that_is_no_longer_in_the_file_is_a_difference(
    recorded: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """The database has its image's own command, but for the options that a user gave it."""
    containers = copy.deepcopy(recorded["containers"])
    next(item for item in containers if item["Name"] == "/waba-db-1")["Config"]["Cmd"] = ["--max_connections=100"]
    actions = convergence.plan_present(wanted, observed(containers))
    assert actions == [convergence.Action("db", "recreate", "changed: command")]


def test_a_container_with_a_stale_bind_is_recreated(recorded: dict[str, Any]) -> None:
    document, containers = copy.deepcopy(recorded["compose_config"]), copy.deepcopy(recorded["containers"])
    for mount in document["services"]["wacore1"]["volumes"]:
        if mount["target"] == "/usr/local/wamedia":
            mount.update(type="bind", source="/mnt/wamedia")
    (core,) = [item for item in containers if item["Name"] == "/waba-wacore1-1"]
    (media,) = [mount for mount in core["Mounts"] if mount["Destination"] == "/usr/local/wamedia"]
    media.update(Type="bind", Source="/mnt/wamedia")
    del media["Name"]
    wanted, had = services.wanted_services(document, recorded["images"]), observed(containers)
    assert convergence.plan_present(wanted, had) == []
    for name in ("wacore1", "wacore2"):
        had[name][0]["stale_binds"] = ["/usr/local/wamedia"]
    why = "changed: media (it still has the folder that was there when it started, not what is mounted there now)"
    assert convergence.plan_present(wanted, had) == [convergence.Action("wacore1", "recreate", why)], (
        "the other binds none"
    )


def test_a_removed_network_is_a_difference(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    container = recorded["containers"][0]
    assert services.container_aspects(container, set())["networks"] == set()


def container(service: str, state: str, aspects: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    names = {"name": f"{prefix}{service}", "compose_name": service}
    return {"id": service, **names, "state": state, "image": "i", "aspects": aspects, "stale_binds": []}


FOUND = st.fixed_dictionaries(
    {name: st.none() | st.tuples(st.sampled_from(STATES), st.booleans(), st.booleans()) for name in [*SERVICES, "old"]}
)


@given(found=FOUND, selected=st.none() | st.lists(st.sampled_from(SERVICES), unique=True))
def test_the_plan_converges_from_any_state(
    recorded: dict[str, Any], found: dict[str, Any], selected: list[str] | None
) -> None:
    wanted = services.wanted_services(recorded["compose_config"], recorded["images"])
    had = {}
    for name, state in found.items():
        if state:
            aspects = copy.deepcopy(wanted["wacore1" if name == "old" else name])
            if state[1]:
                aspects["environment"]["OLD"] = "1"
            had[name] = [container(name, state[0], aspects, "0123456789ab_" if state[2] else "")]
    actions = convergence.plan_present(wanted, had, selected)
    assert {action.service for action in actions} <= set(SERVICES if selected is None else selected) | {"old"}
    for service, action, _reason in actions:
        if action == "remove":
            del had[service]
        else:
            before = had.get(service, [container(service, "absent", {})])[0]
            if action == "rename":
                had[service] = [{**before, "name": service}]
            elif action in ("start", "unpause"):
                had[service] = [{**before, "state": "running"}]
            else:
                had[service] = [container(service, "running", wanted[service])]
    assert convergence.plan_present(wanted, had, selected) == []


def test_two_containers_of_an_interrupted_run_are_replaced_by_one(wanted: dict[str, Any], had: dict[str, Any]) -> None:
    had["waweb"] = had["waweb"] * 2
    assert [action[:2] for action in convergence.plan_present(wanted, had)] == [("waweb", "recreate")]


def test_a_diff_contains_no_environment_value(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    containers = copy.deepcopy(recorded["containers"])
    containers[0]["Config"]["Env"].append("WA_API_KEY=sesame")
    had = observed(containers)
    actions = convergence.plan_present(wanted, had)
    assert actions
    assert "sesame" not in str(convergence.action_diff(actions, had, {}))
    assert "sesame" not in str(actions)


def test_only_created_and_recreated_containers_need_their_image(recorded: dict[str, Any], had: dict[str, Any]) -> None:
    wanted = services.wanted_services(recorded["compose_config"], {})
    images = {name: item["image"] for name, item in recorded["compose_config"]["services"].items()}
    had["waweb"][0]["state"] = "exited"
    assert convergence.missing_images(convergence.plan_present(wanted, had), images, {}) == []
    del had["waweb"]
    assert convergence.missing_images(convergence.plan_present(wanted, had), images, {}) == ["waba/node:v1.0.0"]


def test_a_changed_image_is_a_difference_even_if_the_host_lacks_it(
    recorded: dict[str, Any], had: dict[str, Any]
) -> None:
    document = copy.deepcopy(recorded["compose_config"])
    document["services"]["waweb"]["image"] = "waba/node:v2.0.0"
    wanted = services.wanted_services(document, recorded["images"])
    assert convergence.plan_present(wanted, had) == [convergence.Action("waweb", "recreate", "changed: image")]


def test_only_running_services_are_stopped(wanted: dict[str, Any], had: dict[str, Any]) -> None:
    had["waweb"][0]["state"] = "exited"
    assert [action.service for action in convergence.plan_stopped(wanted, had, ["waweb", "db"])] == ["db"]


def test_a_service_is_stopped_if_any_of_its_containers_runs(wanted: dict[str, Any], had: dict[str, Any]) -> None:
    had["waweb"] = [{**had["waweb"][0], "state": "created"}, *had["waweb"]]
    assert [action[:2] for action in convergence.plan_stopped(wanted, had, ["waweb"])] == [("waweb", "stop")]


def stray(name: str, role: str = "coreapp", state: str = "running", project: str = "x") -> dict[str, str]:
    return {"name": name, "project": project, "role": role, "state": state}


def test_containers_of_another_project_are_removed_before_anything_starts(
    wanted: dict[str, Any], had: dict[str, Any]
) -> None:
    del had["db"]
    had["wacore1"][0]["state"] = "exited"
    strays = {"db": [stray("x-db-1", "mysql")], "wacore1": [stray("y-wacore1-1", project="")]}
    actions = convergence.plan_present(wanted, had, None, strays)
    assert [(one.service, one.action) for one in actions] == [
        ("db", "discard"),
        ("wacore1", "discard"),
        ("db", "create"),
        ("wacore1", "start"),
    ]
    assert actions[0].reason == "x-db-1 belongs to the Compose project x, not to the file's"
    assert convergence.plan_stopped(wanted, {}, ["db"], strays) == [convergence.Action("db", "stop", "it is running")]
    assert convergence.action_diff(actions, had, {}, strays)["after"]["x-db-1"]["state"] == "absent"


def test_containers_of_another_project_stay_when_their_service_is_not_selected(
    wanted: dict[str, Any], had: dict[str, Any]
) -> None:
    strays = {"db": [stray("x-db-1", "mysql")], "former": [stray("x-former-1", "webapp")]}
    assert convergence.plan_present(wanted, had, ["wacore1"], strays) == []
    assert [one.service for one in convergence.plan_present(wanted, had, ["waweb"], strays)] == ["former"]
