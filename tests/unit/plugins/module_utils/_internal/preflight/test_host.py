# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import host
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(0, 10), st.integers(0, 40), st.integers(0, 3), st.sampled_from([1, 2, 4, 8, 16, 32]), st.booleans())
def test_a_cluster_needs_every_role_and_high_availability_needs_several(
    masters: Any, coreapps: Any, webapps: Any, shards: int, ha: bool
) -> None:
    problems = host.cluster_problems(masters, coreapps, webapps, shards, ha)
    wrong = {"masters_total"} if masters < (2 if ha else 1) else set()
    wrong |= {"coreapps_total"} if coreapps < (shards + 1 if ha or shards > 1 else 1) else set()
    wrong |= {"webapps_total"} if webapps == 0 else set()
    assert [problem.variable for problem in problems] == sorted(
        wrong, key=["masters_total", "coreapps_total", "webapps_total"].index
    )


def test_unknown_totals_are_not_checked() -> None:
    assert host.cluster_problems(None, None, None, 1, True) == []


def test_two_masters_on_one_of_several_hosts_are_a_warning(params: dict[str, Any]) -> None:
    assert host.concentration_warnings(params) == []
    params["layout"] = "role"
    assert len(host.concentration_warnings(params)) == 2


def test_a_publish_address_that_the_host_lacks_is_reported_by_its_option(params: dict[str, Any]) -> None:
    params.update(publish_address="192.0.2.1", webapp_publish_address="192.0.2.2")
    nodes = plan_nodes(params)
    assert host.address_problems(nodes, params, lambda _address: True) == []
    found = host.address_problems(nodes, params, lambda _address: False)
    assert [(one.variable, one.value) for one in found] == [
        ("publish_address", "192.0.2.1"),
        ("webapp_publish_address", "192.0.2.2"),
    ]
    without_webapp = [node for node in nodes if node["role"] != "webapp"]
    (problem,) = host.address_problems(without_webapp, params, lambda _address: False)
    assert problem.variable == "publish_address"
    params.update(publish_address="", webapp_publish_address="")
    assert host.address_problems(nodes, params, lambda _address: False) == []


def test_the_memory_limit_depends_on_the_image(params: dict[str, Any]) -> None:
    nodes = plan_nodes(params)
    assert host.memory_needed(nodes) == 256 + 5 * 96
    params["images"] = {"coreapp": "docker.whatsapp.biz/coreapp:v2.57.2", "webapp": "docker.whatsapp.biz/web:v2.57.2"}
    assert host.memory_needed(plan_nodes(params)) == 256 + 4 * 1024 + 512
    assert host.memory_problems(nodes, 736) == []
    assert "need about 736 MB" in host.memory_problems(nodes, 735)[0].problem


def test_the_kernel_needs_nfs_only_on_clients_of_the_share(params: dict[str, Any]) -> None:
    facts = {"architecture": "x86_64", "free_mb": {"/": 9999}, "missing_files": [], "nfs": False}
    limits = {"architectures": ["x86_64"], "min_free_mb": 1024}
    assert host.host_problems(facts, {**params, **limits, "nfs": False}) == []
    (problem,) = host.host_problems(facts, {**params, **limits, "nfs": True})
    assert "no NFS client" in problem.problem


def test_a_changed_password_of_the_database_container_is_refused_by_its_setting() -> None:
    former = {"MYSQL_PASSWORD": "old", "MYSQL_ROOT_PASSWORD": "same"}
    (problem,) = host.changed_password_problems(former, {"MYSQL_PASSWORD": "new", "MYSQL_ROOT_PASSWORD": "same"})
    assert (problem.variable, problem.value) == ("waba_database_password", "(redacted)")
    assert "has another password" in problem.problem
    assert host.changed_password_problems({}, {"MYSQL_PASSWORD": "new"}) == []
    assert host.changed_password_problems(former, former) == []


def test_former_password_of_a_rotation_is_accepted_until_the_file_of_the_host_is_written() -> None:
    former = {"MYSQL_PASSWORD": "old", "MYSQL_ROOT_PASSWORD": "older"}
    wanted = {"MYSQL_PASSWORD": "new", "MYSQL_ROOT_PASSWORD": "newer"}
    assert host.changed_password_problems(former, wanted, ["old", "older"]) == []
    (problem,) = host.changed_password_problems(former, wanted, ["old"])
    assert problem.variable == "waba_database_root_password"
