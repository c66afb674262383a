# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import api_proxy, topology

NAMES = {
    "waba_group_mysql": "waba_mysql",
    "waba_group_arbitrator": "waba_arbitrator",
    "waba_group_masters": "waba_masters",
    "waba_group_coreapps": "waba_coreapps",
    "waba_group_webapps": "waba_webapps",
    "waba_group_api_proxies": "waba_api_proxies",
    "waba_group_nfs_server": "waba_nfs_server",
    "waba_group_nfs_clients": "waba_nfs_clients",
}
GROUPS = {"waba_mysql": ["db1"], "waba_masters": ["a", "b"], "waba_coreapps": ["a", "b"], "waba_webapps": ["b"]}


def settings(host: str, **given: Any) -> dict[str, Any]:
    return {
        "waba_cluster_name": "waba",
        "waba_dir": "/opt/waba",
        "waba_layout": "role",
        "waba_shards": 1,
        "waba_external_hostname": f"{host}.example.com",
        "waba_master_instances": [{"name": "master"}],
        "waba_coreapp_instances": [{"name": "wacore"}],
        "waba_webapp_instances": [{"name": "waweb"}],
        "waba_firewall_addresses": [],
        "waba_mysql_options": {},
        "waba_mysql_image": "waba/mariadb:v1.0.0",
        "waba_database_proxy_image": "waba/haproxy:v1.0.0",
        "waba_coreapp_image": "waba/node:v1.0.0",
        "waba_webapp_image": "waba/node:v1.0.0",
        "waba_volumes": {"media": {"type": "named", "source": "whatsappMedia"}},
        "waba_allow_source_change": False,
        "waba_node_memory": "512m",
        "waba_node_processes": 256,
        "waba_mysql_memory": "",
        "waba_log_max_size": "10m",
        "waba_log_max_files": 5,
        "waba_ipv6": False,
        "waba_publish_address": "",
        "waba_webapp_publish_address": "",
        "waba_database_host": "",
        "waba_database_port": 3306,
        "waba_database_name_prefix": "",
        "waba_firewall": False,
        "waba_backup_host": "",
        "waba_backup_schedule": "",
        "waba_acme_certificates": {},
        "waba_firewall_api_sources": [],
        "waba_firewall_webapp_sources": [],
        "waba_firewall_webhook_sources": ["0.0.0.0/0"],
        "waba_api_proxy_image": "waba/haproxy:v1.0.0",
        "waba_api_proxy_port": 443,
        "waba_api_proxy_publish_address": "",
        "waba_api_proxy_check_port": 8404,
        "waba_api_proxy_tls": "passthrough",
        "waba_api_proxy_address": "",
        "waba_api_proxy_interface": "",
        "waba_api_proxy_vrrp_id": 51,
        **dict.fromkeys(api_proxy.FILES.values(), ""),
        "waba_upstream": "loopback",
        "waba_cloud_webhook_port": 9290,
        "waba_cloud_webhook_publish_address": "",
        "nfs_mount_server": "",
        "nfs_mount_export": "/srv/wamedia",
        "nfs_mount_path": "",
        "nfs_mount_options": ["nfsvers=4.1"],
        "nfs_mount_timeout": 20,
        **dict.fromkeys(("nfs_mount_owner", "nfs_mount_group", "nfs_mount_mode"), ""),
        "nfs_server_export": "/srv/wamedia",
        "nfs_server_clients": [],
        "nfs_server_options": ["rw"],
        "nfs_server_owner": "media",
        "nfs_server_group": "",
        "nfs_server_mode": "0755",
        **dict.fromkeys((*topology.FILES_OF_A_HOST.values(), *topology.MEMBER_FILES.values()), ""),
        **given,
    }


def built(groups: dict[str, list[str]] | None = None, leaving: Sequence[str] = (), **given: Any) -> dict[str, Any]:
    parts = topology.members(NAMES, GROUPS if groups is None else groups)
    hosts = ("db1", "db2", "db3", "a", "b", "nfs", "v")
    return topology.build(parts, {host: settings(host, **given.get(host, {})) for host in hosts}, leaving)


def test_hosts_get_the_fixed_groups_of_their_parts() -> None:
    hosts = built()["hosts"]
    assert list(hosts) == ["db1", "a", "b"]
    assert hosts["b"]["groups"] == [
        "waba_cluster",
        "waba_cluster_nodes",
        "waba_cluster_masters",
        "waba_cluster_coreapps",
        "waba_cluster_webapps",
    ]
    assert hosts["db1"]["groups"] == [
        "waba_cluster",
        "waba_cluster_nodes",
        "waba_cluster_database",
        "waba_cluster_database_client",
    ]


def test_a_master_that_stays_is_the_client_of_an_external_database() -> None:
    groups = {**GROUPS, "waba_mysql": []}
    masters = built(groups)["parts"]["masters"]
    assert built(groups)["database"]["client"] == masters[0]
    topology_without_first = built(groups, leaving=[masters[0]])
    assert topology_without_first["database"]["client"] == masters[1]
    assert "waba_cluster_database_client" in topology_without_first["hosts"][masters[1]]["groups"]
    assert topology_without_first["leaving"] == [masters[0]]


def test_totals_count_the_instances_of_every_host_but_those_that_leave() -> None:
    more = {"b": {"waba_coreapp_instances": [{"name": "one"}, {"name": "two"}]}}
    assert built(**more)["totals"] == {"masters": 2, "coreapps": 3, "webapps": 1}
    assert built(leaving=["b"], **more)["expected"] == {"masters": 1, "coreapps": 1, "shards": 1}


def test_a_plan_has_the_services_of_the_host_and_no_others() -> None:
    hosts = built()["hosts"]
    assert hosts["a"]["plan"]["webapps"] == []
    assert "database" not in hosts["a"]["plan"]
    assert hosts["db1"]["plan"]["database"] == {"name": "db", "image": "waba/mariadb:v1.0.0", "port": 3306}
    assert hosts["db1"]["wanted_images"] == ["waba/mariadb:v1.0.0"]
    assert [node["ports"] for node in hosts["a"]["nodes"]] == [[6254, 6255, 6256, 6257], [6250, 6251, 6252, 6253]]


@pytest.mark.parametrize(
    ("groups", "given", "address"),
    [
        (GROUPS, {}, "db1.example.com"),
        (GROUPS, {"waba_layout": "single_server"}, "db"),
        ({**GROUPS, "waba_mysql": []}, {"waba_database_host": "mysql.example.org"}, "mysql.example.org"),
    ],
)
def test_nodes_find_the_database_by_the_address_of_its_kind(groups: Any, given: Any, address: Any) -> None:
    database = built(groups, **dict.fromkeys(("db1", "a", "b"), given))["database"]
    assert database["address"] == address
    assert database["external"] is (address == "mysql.example.org")


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("", "https://localhost:9090"),
        ("127.0.0.1", "https://localhost:9090"),
        ("192.0.2.7", "https://192.0.2.7:9090"),
        ("2001:db8::7", "https://[2001:db8::7]:9090"),
    ],
)
def test_the_url_of_the_api_follows_the_address_it_is_published_on(address: Any, url: str) -> None:
    assert built(b={"waba_webapp_publish_address": address})["hosts"]["b"]["api_url"] == url


def test_a_share_of_the_inventory_is_named_by_its_server() -> None:
    groups = {**GROUPS, "waba_nfs_server": ["nfs"], "waba_nfs_clients": ["a", "b"]}
    share = built(groups, a={"nfs_mount_options": ["nfsvers=4.1", "port=2050"]})["share"]
    assert share == {"server": "nfs", "clients": ["a", "b"], "name": "nfs.example.com", "port": 2050}


def test_a_share_outside_the_inventory_has_no_server() -> None:
    groups = {**GROUPS, "waba_nfs_clients": ["a"]}
    share = built(groups, a={"nfs_mount_server": "filer.example.org"})["share"]
    assert share == {"server": "", "clients": ["a"], "name": "filer.example.org", "port": 2049}


def test_the_share_is_exported_to_the_names_of_its_clients_and_mounted_on_the_media_folder() -> None:
    groups = {**GROUPS, "waba_nfs_server": ["nfs"], "waba_nfs_clients": ["a", "b"]}
    media = {"waba_volumes": {"media": {"type": "bind", "source": "/mnt/wamedia"}}}
    hosts = built(groups, a={**media, "waba_firewall_addresses": ["192.0.2.7"]}, b={"nfs_mount_mode": "0770"})["hosts"]
    assert hosts["nfs"]["export"]["clients"] == ["a.example.com", "192.0.2.7", "b.example.com"]
    assert hosts["nfs"]["export"] | {"clients": []} == {
        "path": "/srv/wamedia",
        "clients": [],
        "options": ["rw"],
        "owner": "media",
        "mode": "0755",
        "file": "/etc/exports.d/waba.exports",
    }
    assert hosts["a"]["mount"] == {
        "path": "/mnt/wamedia",
        "server": "nfs.example.com",
        "export": "/srv/wamedia",
        "options": ["nfsvers=4.1"],
        "timeout": 20,
    }
    assert hosts["b"]["mount"] is None
    assert hosts["a"]["export"] is None


def test_a_client_that_binds_no_folder_for_media_is_a_problem() -> None:
    share = {"name": "nfs.example.com"}
    (problem,) = topology.share_problems(settings("a"), share)
    assert (problem.variable, problem.problem) == (
        "nfs_mount_server",
        "waba_volumes.media binds no folder, so no node would use it",
    )
    assert topology.share_problems(settings("a", nfs_mount_path="/mnt/wamedia"), share) == []
    assert topology.share_problems(settings("a"), {"name": ""}) == []


@pytest.mark.parametrize("owner", ["root", "0", 0])
def test_a_share_that_must_belong_to_root_is_refused_except_with_the_vendors_images(owner: str | int) -> None:
    share, path = {"name": "nfs.lan"}, {"nfs_mount_path": "/mnt/wamedia"}
    (problem,) = topology.share_problems(settings("a", nfs_mount_owner=owner, **path), share)
    assert (problem.variable, problem.fix) == ("nfs_mount_owner", "Leave it out, or name the user who owns the folder")
    vendor = dict.fromkeys(("waba_coreapp_image", "waba_webapp_image"), "docker.whatsapp.biz/coreapp:v2.53.0")
    assert topology.share_problems(settings("a", nfs_mount_owner=owner, **path, **vendor), share) == []
    assert topology.share_problems(settings("a", nfs_mount_owner="media", **path), share) == []


def test_the_firewall_is_absent_where_it_is_off_and_opens_the_share_on_its_server() -> None:
    groups = {**GROUPS, "waba_nfs_server": ["nfs"], "waba_nfs_clients": ["a"]}
    assert built(groups)["hosts"]["a"]["firewall"] == {"state": "absent", "cluster_name": "waba"}
    on = {host: {"waba_firewall": True} for host in ("db1", "a", "b", "nfs")}
    hosts = built(groups, **on)["hosts"]
    assert hosts["nfs"]["firewall"]["nfs_port"] == 2049
    assert "nfs_port" not in hosts["a"]["firewall"]
    assert [one["host"] for one in hosts["a"]["firewall"]["hosts"]] == ["a", "b", "db1", "nfs"]


def test_settings_that_cannot_be_planned_leave_a_host_without_nodes() -> None:
    assert built(a={"waba_master_instances": [{"name": "not a name"}]})["hosts"]["a"]["nodes"] == []


def test_a_group_without_hosts_is_a_problem_for_nodes_only() -> None:
    problems = topology.group_problems({"a": NAMES}, {"waba_masters": ["a"], "waba_webapps": ["a"]})
    assert [(one.variable, one.value, one.problem) for one in problems] == [
        ("waba_group_coreapps", "waba_coreapps", "no host is in this group")
    ]


def test_hosts_that_name_different_groups_are_a_problem() -> None:
    names = {"a": NAMES, "b": {**NAMES, "waba_group_masters": "blue"}}
    problems = topology.group_problems(names, GROUPS)
    assert [(one.variable, one.value) for one in problems] == [
        ("waba_group_masters", "'waba_masters' on a; 'blue' on b")
    ]


MEMBERS = {**GROUPS, "waba_mysql": ["db1", "db2", "db3"]}
MEMBER = {
    "waba_mysql_image": "waba/mariadb:v1.0.0",
    "waba_mysql_options": {},
    "waba_database_port": 3306,
    "waba_mysql_member_ca": "",
}


def database_problems(hosts: Sequence[str], votes: Sequence[str] = (), **given: Any) -> dict[str, list[str]]:
    """Return {host: problems} of database hosts and arbitrators. given: settings of hosts."""
    values = {host: {**MEMBER, **given.get(host, {})} for host in (*hosts, *votes)}
    found = topology.database_problems(NAMES, {"database": hosts, "arbitrator": votes}, values)
    return {host: [one.problem for one in problems] for host, problems in found.items() if problems}


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [(["a"], ""), (["a", "b"], "no majority"), (["a", "b", "c", "d"], "no safety"), (["a", "b", "c"], "")],
)
def test_the_database_runs_on_one_host_or_three(hosts: list[str], problem: str) -> None:
    found = database_problems(hosts)
    assert all(problem in one for problems in found.values() for one in problems)
    assert bool(found) == bool(problem)


def test_two_database_hosts_need_one_arbitrator_on_another_host() -> None:
    assert database_problems(["a", "b"], ["c"]) == {}
    assert database_problems(["a", "b"], ["b"]) == {
        "b": ["b has a database member too, so its loss would take two of three votes"]
    }
    both = database_problems(["a", "b"], ["c", "d"])
    assert both == {host: ["2 arbitrators: two members need one"] for host in ("c", "d")}


@pytest.mark.parametrize(
    ("hosts", "listed"), [([], "0"), (["a"], "1 (a)"), (["a", "b", "c"], "3 (a, b, c)"), (["v"], "1 (v)")]
)
def test_an_arbitrator_without_two_database_hosts_is_refused(hosts: list[str], listed: str) -> None:
    problem = f"an arbitrator votes with 2 database hosts, and the group waba_mysql has {listed}"
    assert database_problems(hosts, ["v"]) == {"v": [problem]}


def test_an_arbitrator_has_the_image_and_the_encryption_of_the_members() -> None:
    other = {"waba_mysql_image": "waba/mariadb:v2.0.0", "waba_mysql_member_ca": "/etc/waba/ca.pem"}
    found = database_problems(["a", "b"], ["v"], v={**other, "waba_mysql_options": {topology.FLUSH: 2}})
    assert list(found) == ["v"]
    assert [one.partition(" database member ")[2] for one in found["v"]] == [
        "has 'waba/mariadb:v1.0.0'",
        "does not encrypt its traffic",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("waba_mysql_image", "waba/mariadb:v2.0.0", "the first database member has"),
        ("waba_mysql_image", "waba/mysql:v1.0.0", "cannot run on several hosts"),
        ("waba_mysql_options", {"innodb_flush_log_at_trx_commit": 2}, "would lose acknowledged messages"),
        ("waba_database_port", 3310, "use port 3306"),
        ("waba_mysql_member_ca", "/etc/waba/ca.pem", "does not encrypt"),
    ],
)
def test_a_setting_that_members_cannot_have_is_refused_on_its_host(variable: str, value: Any, problem: str) -> None:
    found = database_problems(["a", "b", "c"], c={variable: value})
    assert list(found) == ["c"]
    assert problem in found["c"][-1]


def test_three_database_hosts_are_members_and_nodes_use_a_proxy() -> None:
    found = built(MEMBERS)
    assert [member["address"] for member in found["database"]["members"]] == [f"db{n}.example.com" for n in (1, 2, 3)]
    assert found["database"]["address"] == "db"
    assert found["parts"]["proxies"] == ["a", "b"]
    db2, node = found["hosts"]["db2"], found["hosts"]["a"]
    assert [(one["name"], one["role"], one["ports"]) for one in db2["nodes"]] == [
        ("db", "mysql", [3306, 4567, 4568, 4444]),
        ("db-guard", "guard", [3309]),
    ]
    assert db2["plan"]["database"]["member"]["name"] == "db2"
    assert next(one["role"] for one in node["nodes"]) == "proxy"
    assert "waba/haproxy:v1.0.0" in node["wanted_images"]


def test_only_members_have_the_files_for_the_encryption_between_them() -> None:
    files = {"waba_mysql_member_ca": "/etc/waba/ca.pem"}
    assert "member_ca" not in built(db1=files)["hosts"]["db1"]["plan"]
    assert built(MEMBERS, db1=files)["hosts"]["db1"]["plan"]["member_ca"] == "/etc/waba/ca.pem"


def test_one_database_host_has_neither_members_nor_proxies() -> None:
    found = built()
    assert found["database"]["members"] == []
    assert "proxies" not in found["parts"]
    assert all("proxy" not in one["plan"] for one in found["hosts"].values())


IPV6 = {"waba_external_hostname": "fd00::11"}


def ipv6_problems(host: str, groups: dict[str, list[str]] | None = None, **given: Any) -> list[str]:
    own = settings(host, **given.get(host, {}))
    return [one.variable for one in topology.ipv6_problems(host, own, built(groups, **given))]


def test_containers_need_ipv6_where_another_host_is_named_by_such_an_address() -> None:
    assert ipv6_problems("a", b=IPV6) == ["waba_ipv6"]
    assert ipv6_problems("a", a={"waba_ipv6": True}, b=IPV6) == []
    assert ipv6_problems("b", b=IPV6) == [], "its containers call the other hosts only"


def test_containers_need_ipv6_for_an_external_database_with_such_an_address() -> None:
    groups = {"waba_masters": ["a"], "waba_coreapps": ["a"], "waba_webapps": ["a"]}
    assert ipv6_problems("a", groups, a={"waba_database_host": "2001:db8::1"}) == ["waba_ipv6"]
    assert ipv6_problems("a", groups, a={**IPV6, "waba_database_host": "db.example.com"}) == []


def test_host_without_containers_needs_no_ipv6() -> None:
    groups = {**GROUPS, "waba_nfs_server": ["nfs"], "waba_nfs_clients": ["a", "b"]}
    assert ipv6_problems("nfs", groups, a=IPV6) == []


def test_urls_contain_ipv6_addresses_in_brackets() -> None:
    assert built(b=IPV6)["api_urls"] == ["https://[fd00::11]:9090"]


WITH_ARBITRATOR = {**GROUPS, "waba_mysql": ["db1", "db2"], "waba_arbitrator": ["v"]}


def test_two_database_hosts_and_an_arbitrator_are_a_group() -> None:
    found = built(WITH_ARBITRATOR)
    database, host = found["database"], found["hosts"]["v"]
    assert [member["host"] for member in database["members"]] == ["db1", "db2"]
    assert (database["arbitrator"], database["hosts"], database["address"]) == ("v", ["db1", "db2"], "db")
    addresses = [f"{name}.example.com" for name in ("db1", "db2", "v")]
    assert database["voters"] == addresses
    assert found["hosts"]["db1"]["plan"]["database"]["member"]["addresses"] == addresses
    assert host["plan"]["arbitrator"] == {"image": "waba/mariadb:v1.0.0", "addresses": addresses}
    assert [(one["name"], one["role"], one["ports"]) for one in host["nodes"]] == [
        ("db-arbitrator", "arbitrator", [4567])
    ]
    assert host["wanted_images"] == ["waba/mariadb:v1.0.0"]
    assert host["groups"] == ["waba_cluster", "waba_cluster_nodes", "waba_cluster_arbitrator"]
    assert (host["is_arbitrator"], host["is_database_host"]) == (True, False)
    assert host["files"]["arbitrator"] == "/opt/waba/multiconnect-arbitrator.yml"
    assert found["parts"]["proxies"] == ["a", "b"]


def test_an_arbitrator_has_the_files_for_the_encryption_between_the_members() -> None:
    files = dict.fromkeys(topology.MEMBER_FILES.values(), "/etc/waba/file.pem")
    plan = built(WITH_ARBITRATOR, v=files)["hosts"]["v"]["plan"]
    assert [plan[option] for option in topology.MEMBER_FILES] == list(files.values())


def test_a_host_with_nodes_may_be_the_arbitrator() -> None:
    found = built({**WITH_ARBITRATOR, "waba_arbitrator": ["a"]})
    assert [one["role"] for one in found["hosts"]["a"]["nodes"]] == ["arbitrator", "proxy", "master", "coreapp"]


@pytest.mark.parametrize(
    "groups", [{"waba_mysql": ["db1"]}, {"waba_mysql": ["v", "db1"]}, {"waba_arbitrator": ["v", "a"]}]
)
def test_an_arbitrator_that_is_refused_runs_nothing(groups: dict[str, list[str]]) -> None:
    found = built({**WITH_ARBITRATOR, **groups})
    assert (found["database"]["arbitrator"], found["database"]["members"]) == ("", [])
    assert "arbitrator" not in found["hosts"]["v"]["plan"]
