# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.engine_features import (
    DEFAULT,
    Features,
    from_info,
)

FILE = "multiconnect-compose.yml"
NODES = ("master1", "master2", "wacore1", "wacore2", "waweb")


def services(params: dict[str, Any], features: Features = DEFAULT) -> dict[str, Any]:
    return compose_documents(plan_nodes(params), params, features)[FILE]["services"]


def test_no_container_has_a_right_that_it_does_not_need(params: dict[str, Any]) -> None:
    found = services(params)
    assert all(service["cap_drop"] == ["ALL"] for service in found.values())
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in found.values())
    assert {name: service["cap_add"] for name, service in found.items() if name in NODES} == {
        name: ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"] for name in NODES
    }
    assert found["db"]["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]


def test_guard_of_a_member_has_one_capability_and_proxy_has_none(params: dict[str, Any]) -> None:
    params["database"]["member"] = {"name": "db1", "addresses": ["db1.test", "db2.test", "db3.test"]}
    params |= {"layout": "role", "proxy": {"image": "waba/haproxy:v1.0.0", "configuration": "global\n"}}
    documents = compose_documents(plan_nodes(params), params)
    guard = documents["multiconnect-db.yml"]["services"]["db-guard"]
    assert (guard["cap_drop"], guard["cap_add"], guard["read_only"]) == (["ALL"], ["DAC_OVERRIDE"], True)
    assert guard["entrypoint"] == ["/usr/bin/tini", "--"], "it logs in as root through the socket"
    assert (guard["tmpfs"], guard["mem_limit"], guard["pids_limit"]) == (["/tmp"], "512m", 256)
    assert "sysctls" not in guard, "it uses the network of the host"
    proxy = documents["multiconnect-proxy.yml"]["services"]["db-proxy"]
    assert (proxy["cap_drop"], proxy["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert "cap_add" not in proxy


def test_the_root_of_a_node_is_read_only_but_for_temporary_files(params: dict[str, Any]) -> None:
    found = services(params)
    assert all(found[name]["read_only"] for name in NODES)
    assert found["master1"]["tmpfs"] == ["/tmp", "/opt/certs"]
    assert found["waweb"]["tmpfs"] == ["/tmp", "/opt/certs", "/var/lib/whatsapp"], "its certificates"
    assert "read_only" not in found["db"]


def test_only_a_webapp_binds_a_low_port_without_a_capability(params: dict[str, Any]) -> None:
    found = services(params)
    assert {name: service["sysctls"] for name, service in found.items() if "sysctls" in service} == {
        "waweb": {"net.ipv4.ip_unprivileged_port_start": "0"}
    }


def test_memory_and_processes_of_nodes_are_limited_and_memory_of_the_database_on_request(
    params: dict[str, Any],
) -> None:
    found = services(params)
    assert {(found[name]["mem_limit"], found[name]["pids_limit"]) for name in NODES} == {("512m", 256)}
    assert "mem_limit" not in found["db"]
    params.update(node_memory="", node_processes=0, database_memory="2g")
    found = services(params)
    assert not any("mem_limit" in found[name] or "pids_limit" in found[name] for name in NODES)
    assert found["db"]["mem_limit"] == "2g"


def test_limits_that_the_kernel_of_the_host_lacks_are_left_out(params: dict[str, Any]) -> None:
    """The engine ignores them, so they would differ at every run."""
    features = from_info({"LoggingDriver": "journald", "MemoryLimit": False, "PidsLimit": False})
    found = services(params, features)
    assert not any(key in found["waweb"] for key in ("mem_limit", "pids_limit", "logging"))


def test_the_vendors_images_have_the_rights_of_the_vendors_files(params: dict[str, Any]) -> None:
    registry = "docker.whatsapp.biz"
    params["images"] = {"coreapp": f"{registry}/coreapp:v2.53.0", "webapp": f"{registry}/web:v2.53.0"}
    found = services(params)
    keys = ("cap_add", "security_opt", "read_only", "tmpfs", "sysctls", "mem_limit", "pids_limit")
    for name in NODES:
        assert found[name]["cap_drop"] == ["MKNOD"]
        assert not any(key in found[name] for key in keys)
        assert "logging" in found[name]
    assert found["db"]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("node_memory", "half", "it is not a size"),
        ("node_memory", "64m", "no container of the cluster can run with it"),
        ("database_memory", "512", "it is not a size"),
        ("node_processes", 10, "a node needs more processes and threads"),
        ("node_processes", -1, "a node needs more processes and threads"),
        ("log_max_size", "10 MB", "it is not a size"),
    ],
)
def test_a_limit_that_no_container_can_have_is_refused(
    params: dict[str, Any], option: str, value: Any, problem: str
) -> None:
    params[option] = value
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert [(one.variable, one.problem) for one in caught.value.problems] == [(option, problem)]


def test_an_arbitrator_is_read_only_and_has_the_capabilities_of_its_entrypoint(params: dict[str, Any]) -> None:
    vote = {"image": "waba/mariadb:v1.0.0", "addresses": ["db1.test", "db2.test", "host1"]}
    params |= {"layout": "role", "arbitrator": vote}
    service = compose_documents(plan_nodes(params), params)["multiconnect-arbitrator.yml"]["services"]["db-arbitrator"]
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
    assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp", "/run/mysqld"])
    assert (service["mem_limit"], service["pids_limit"]) == ("512m", 256)
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
