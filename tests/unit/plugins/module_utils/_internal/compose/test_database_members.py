# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import convergence, host_files, services
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes, publications
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.resolved import resolved
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import rules

MEMBER = {"name": "db1", "addresses": ["db1.test", "db2.test", "db3.test"]}
PROXY = {"image": "waba/haproxy:v1.0.0", "configuration": "global\n"}


@pytest.fixture
def member(params: dict[str, Any]) -> dict[str, Any]:
    """The options of a host with a database member and nodes."""
    database = {**params["database"], "member": MEMBER}
    return {**params, "layout": "role", "database": database, "proxy": PROXY}


def documents(params: dict[str, Any]) -> dict[str, Any]:
    return compose_documents(plan_nodes(params), params)


def test_a_member_and_its_guard_use_the_network_of_the_host(member: dict[str, Any]) -> None:
    found = documents(member)["multiconnect-db.yml"]["services"]
    assert list(found) == ["db", "db-guard"]
    assert all(one["network_mode"] == "host" and "ports" not in one for one in found.values())
    assert found["db"]["environment"] == {
        "WABA_GALERA_CLUSTER": "waba",
        "WABA_GALERA_NODE": "db1",
        "WABA_GALERA_ADDRESS": "host1",
    }
    shared = "databaseSocket:/run/mysqld"
    assert all(shared in one["volumes"] for one in found.values())


def test_members_encrypt_their_traffic_with_the_files_of_the_host(member: dict[str, Any]) -> None:
    member.update(member_ca="/etc/waba/ca.pem", member_certificate="/a.pem", member_certificate_key="/a.key")
    database = documents(member)["multiconnect-db.yml"]["services"]["db"]
    assert database["environment"]["WABA_GALERA_TLS"] == "1"
    mounts = {mount["source"]: mount["target"] for mount in database["volumes"] if "read_only" in mount}
    folder = "/etc/waba/galera"
    assert {mounts[source] for source in ("/etc/waba/ca.pem", "/a.pem", "/a.key")} == {
        f"{folder}/{name}.pem" for name in ("ca", "cert", "key")
    }


def test_a_new_member_changes_no_definition_of_the_others(member: dict[str, Any]) -> None:
    before = documents(member)["multiconnect-db.yml"]
    member["database"]["member"] = {**MEMBER, "addresses": ["db1.test", "db4.test"]}
    assert documents(member)["multiconnect-db.yml"] == before
    files = host_files.host_files(plan_nodes(member), member, {}, {})
    assert files["database-members"][0].splitlines()[1:] == ["db1.test", "db4.test"]


def test_a_changed_configuration_replaces_the_proxy(member: dict[str, Any]) -> None:
    before = documents(member)["multiconnect-proxy.yml"]
    member["proxy"] = {**PROXY, "configuration": "defaults\n"}
    assert documents(member)["multiconnect-proxy.yml"] != before


def test_nodes_reach_the_proxy_in_its_network(member: dict[str, Any]) -> None:
    found = documents(member)
    assert found["multiconnect-proxy.yml"]["services"]["db-proxy"]["networks"] == {"database": {"aliases": ["db"]}}
    assert found["multiconnect-master.yml"]["networks"]["database"] == {"name": "waba_database", "external": True}
    assert found["multiconnect-master.yml"]["services"]["master1"]["networks"] == ["default", "database"]
    assert "database" not in found["multiconnect-db.yml"]["networks"]


def test_proxy_and_its_nodes_share_a_network_with_ipv6(member: dict[str, Any]) -> None:
    found = documents({**member, "ipv6": True})
    name = "waba_database_ipv6"
    assert found["multiconnect-proxy.yml"]["networks"]["database"]["name"] == name
    assert found["multiconnect-master.yml"]["networks"]["database"] == {"name": name, "external": True}
    assert found["multiconnect-db.yml"]["services"]["db"]["environment"]["WABA_GALERA_IPV6"] == "1"


def test_the_ports_of_a_member_are_ports_of_the_host_for_the_firewall(member: dict[str, Any]) -> None:
    nodes = [node for node in plan_nodes(member) if node["role"] in ("mysql", "guard")]
    assert [node["published"] for node in nodes] == [(3306, 4567, 4568, 4444), (3309,)]
    found = [one for node in nodes for one in publications(node, member)]
    assert {one.address for one in found} == {""}
    assert not any(one.published for one in rules.offers(found, None))


def test_the_environment_of_the_nodes_is_not_written_for_guard_and_proxy(member: dict[str, Any]) -> None:
    member.update(masters=[], coreapps=[], webapps=[])
    assert "db.env" not in host_files.host_files(plan_nodes(member), member, {}, {})


@pytest.mark.parametrize("host", ["member", "arbitrator"])
def test_a_resolved_document_equals_the_output_of_compose(
    request: pytest.FixtureRequest, real_compose: None, tmp_path: Path, host: str
) -> None:
    params = request.getfixturevalue(host)
    nodes = plan_nodes(params)
    for name, (text, _mode) in host_files.host_files(nodes, params, {"A": "1"}, {"B": "2"}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, document in documents(params).items():
        command = ["docker", "compose", "--file", str(tmp_path / name), "config", "--format", "json"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        expected = resolved(document, {"db.env": {"A": "1"}, "mysql.env": {"B": "2"}})
        assert services.wanted_services(expected, {}) == services.wanted_services(answer, {})


def test_a_member_without_a_container_is_created_with_its_guard(member: dict[str, Any]) -> None:
    wanted = services.wanted_services(resolved(documents(member)["multiconnect-db.yml"], {}), {})
    assert [action.service for action in convergence.plan_present(wanted, {})] == ["db", "db-guard"]


@pytest.fixture
def arbitrator(params: dict[str, Any]) -> dict[str, Any]:
    """The options of a host with nothing but the arbitrator of two members."""
    vote = {"image": "waba/mariadb:v1.0.0", "addresses": ["db1.test", "db2.test", "host1"]}
    nothing: dict[str, list[Any]] = {"masters": [], "coreapps": [], "webapps": []}
    return {**params, **nothing, "layout": "role", "database": None, "arbitrator": vote}


def test_an_arbitrator_uses_the_network_of_its_host_and_stores_its_view_only(arbitrator: dict[str, Any]) -> None:
    files = host_files.host_files(plan_nodes(arbitrator), arbitrator, {}, {})
    assert list(files) == ["database-members", "multiconnect-arbitrator.yml"]
    assert files["database-members"][0].splitlines()[1:] == ["db1.test", "db2.test", "host1"]
    document = documents(arbitrator)["multiconnect-arbitrator.yml"]
    service = document["services"]["db-arbitrator"]
    assert (document["name"], service["network_mode"], service["restart"]) == ("waba-arbitrator", "host", "always")
    assert (service["command"], service["stop_signal"]) == (["arbitrator"], "SIGINT")
    assert service["healthcheck"]["test"] == ["CMD", "healthcheck.sh", "arbitrator"]
    assert service["environment"] == {"WABA_GALERA_CLUSTER": "waba"}
    assert service["volumes"][0] == "arbitratorView:/var/lib/mysql"
    assert document["volumes"]["arbitratorView"]["name"] == "waba_arbitratorView"
    assert "env_file" not in service


def test_an_arbitrator_encrypts_as_the_members_do(arbitrator: dict[str, Any]) -> None:
    arbitrator.update(member_ca="/etc/waba/ca.pem", member_certificate="/a.pem", member_certificate_key="/a.key")
    service = documents(arbitrator)["multiconnect-arbitrator.yml"]["services"]["db-arbitrator"]
    assert service["environment"]["WABA_GALERA_TLS"] == "1"
    mounts = [mount["target"] for mount in service["volumes"] if isinstance(mount, dict)]
    assert mounts == [f"/etc/waba/galera/{name}" for name in ("ca.pem", "cert.pem", "key.pem", "members")]


def test_a_renewed_certificate_replaces_the_arbitrator_and_no_member(
    arbitrator: dict[str, Any], member: dict[str, Any]
) -> None:
    digests = {"member_certificate": "aaaaaaaaaaaa"}
    for params, file, labelled in ((arbitrator, "arbitrator", True), (member, "db", False)):
        found = compose_documents(plan_nodes(params), params, certificates=digests)[f"multiconnect-{file}.yml"]
        assert all(("waba.cluster.certificates" in one["labels"]) is labelled for one in found["services"].values())


def test_an_arbitrator_listens_on_ipv6_as_the_members_do(arbitrator: dict[str, Any]) -> None:
    service = documents({**arbitrator, "ipv6": True})["multiconnect-arbitrator.yml"]["services"]["db-arbitrator"]
    assert service["environment"] == {"WABA_GALERA_CLUSTER": "waba", "WABA_GALERA_IPV6": "1"}


def test_the_port_of_an_arbitrator_is_a_port_of_the_host_for_the_firewall(arbitrator: dict[str, Any]) -> None:
    (node,) = plan_nodes(arbitrator)
    (one,) = publications(node, arbitrator)
    assert (one.published, one.audience, one.address, one.host_network) == ((4567,), "cluster", "", True)
