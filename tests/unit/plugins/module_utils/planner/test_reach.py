# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.planner.reach import faults, is_settled, plan


def node(role, *ports, running=(), address=""):
    return {"role": role, "published": list(ports), "running": list(running), "address": address}


def checks(name, *nodes, layout="role"):
    return {"facts": {"external_hostname": name, "layout": layout}, "nodes": list(nodes)}


CLUSTER = {
    "db": checks("db.lan", node("mysql", 3306)),
    "core": checks("core.lan", node("coreapp", 6250, 6251, running=[6250])),
    "web": checks("web.lan", node("webapp", 9090)),
}


def test_every_node_host_tries_every_port_of_every_other_host():
    plans = plan(CLUSTER)
    assert plans["web"]["connect"] == [
        {"peer": "db", "name": "db.lan", "port": 3306, "runs": False},
        {"peer": "core", "name": "core.lan", "port": 6250, "runs": True},
        {"peer": "core", "name": "core.lan", "port": 6251, "runs": False},
    ]
    assert [target["port"] for target in plans["core"]["connect"]] == [3306, 9090]


def test_a_host_stands_in_for_what_does_not_run_and_knows_who_will_come():
    plans = plan(CLUSTER)
    assert plans["core"]["listen"] == [{"address": "", "port": 6251}]
    assert plans["core"]["peers"] == ["web"]
    assert plans["db"]["peers"] == ["core", "web"]


def test_a_database_host_calls_nobody():
    assert plan(CLUSTER)["db"]["connect"] == []


def test_a_webapp_that_is_published_for_some_is_no_business_of_the_other_hosts():
    inside = {**CLUSTER, "web": checks("web.lan", node("webapp", 9090, address="127.0.0.1"))}
    assert plan(inside)["web"]["listen"] == []
    assert [target["port"] for target in plan(inside)["core"]["connect"]] == [3306]
    assert plan({**CLUSTER, "web": checks("web.lan", node("webapp", 9090, address="0.0.0.0"))})["web"]["listen"]


def test_who_was_not_asked_or_has_one_network_has_nothing_to_do():
    idle = {"listen": [], "peers": [], "connect": []}
    odd = {"gone": {"unreachable": True}, "one": checks("one", node("coreapp", 6250), layout="single_server")}
    assert plan(odd) == {"gone": idle, "one": idle}
    assert plan({"core": CLUSTER["core"]}) == {"core": idle}


def test_a_share_is_reached_by_every_node_host():
    share = {"peer": "nfs", "name": "nfs.lan", "port": 2049, "runs": True}
    plans = plan(CLUSTER, [share])
    assert [share in plans[host]["connect"] for host in ("db", "core", "web")] == [False, True, True]


def test_a_cluster_is_settled_when_nobody_has_to_stand_in():
    assert not is_settled(plan(CLUSTER))
    running = {
        "core": checks("core.lan", node("coreapp", 6250, running=[6250])),
        "web": checks("web.lan", node("webapp", 9090, running=[9090])),
    }
    assert is_settled(plan(running))


def test_ports_of_one_peer_with_one_fault_are_one_problem():
    tried = {"peer": "core1", "name": "wabahost3", "error": "Connection refused", "in_hosts_file": False}
    (problem,), warnings = faults("webapp1", [{**tried, "port": port} for port in (6251, 6250)])
    assert problem.wrong == "webapp1 cannot reach core1 (wabahost3:6250, 6251): Connection refused"
    assert warnings == []


def test_a_name_from_the_hosts_file_is_a_risk_told_once():
    tried = {"peer": "core1", "name": "core1.lan", "error": None, "in_hosts_file": True}
    problems, (warning,) = faults("webapp1", [{**tried, "port": port} for port in (6250, 6251)])
    assert problems == []
    assert "which containers do not read" in warning.wrong
