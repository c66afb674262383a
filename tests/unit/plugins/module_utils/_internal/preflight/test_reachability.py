# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.reachability import (
    is_as_deployed,
    is_settled,
    plan,
    probe_problems,
    targets_to_retry,
)


def node(role: str, *ports: int, running: Sequence[int] = (), address: str = "") -> dict[str, Any]:
    return {"role": role, "published": list(ports), "running": list(running), "address": address}


def checks(name: str, *nodes: dict[str, Any], layout: str = "role", **facts: Any) -> dict[str, Any]:
    known = {"external_hostname": name, "layout": layout, "serves_share": False, "firewall": False}
    return {"facts": {**known, "as_deployed": True, "databases": [], **facts}, "nodes": list(nodes)}


def tries(plans: dict[str, Any], host: str, *keys: str) -> list[dict[str, Any]]:
    return [{key: target[key] for key in keys} for target in plans[host]["connect"]]


def peers(plans: dict[str, Any], host: str) -> dict[int, list[str]]:
    """Return {port: the hosts that will connect to it} of a host's listeners."""
    return {one["port"]: one["peers"] for one in plans[host]["listen"]}


CLUSTER = {
    "db": checks("db.lan", node("mysql", 3306)),
    "core": checks("core.lan", node("coreapp", 6250, 6251, running=[6250])),
    "web": checks("web.lan", node("webapp", 9090)),
}


def test_every_node_host_probes_every_port_of_every_other_host() -> None:
    plans = plan(CLUSTER)
    assert tries(plans, "web", "peer", "name", "port", "runs") == [
        {"peer": "db", "name": "db.lan", "port": 3306, "runs": False},
        {"peer": "core", "name": "core.lan", "port": 6250, "runs": True},
        {"peer": "core", "name": "core.lan", "port": 6251, "runs": False},
    ]
    assert [target["port"] for target in plans["core"]["connect"]] == [3306, 9090]


def test_a_host_listens_for_missing_containers_and_knows_its_peers() -> None:
    plans = plan(CLUSTER)
    assert plans["core"]["listen"] == [{"address": "", "port": 6251, "peers": ["web"]}]
    assert peers(plans, "db") == {3306: ["core", "web"]}


def test_a_database_host_probes_no_host() -> None:
    assert plan(CLUSTER)["db"]["connect"] == []


def test_a_webapp_published_on_one_address_is_not_probed() -> None:
    inside = {**CLUSTER, "web": checks("web.lan", node("webapp", 9090, address="127.0.0.1"))}
    assert plan(inside)["web"]["listen"] == []
    assert [target["port"] for target in plan(inside)["core"]["connect"]] == [3306]
    assert plan({**CLUSTER, "web": checks("web.lan", node("webapp", 9090, address="0.0.0.0"))})["web"]["listen"]


def test_hosts_without_facts_or_with_one_network_take_no_part() -> None:
    idle = {"listen": [], "connect": []}
    odd = {"gone": {"unreachable": True}, "one": checks("one", node("coreapp", 6250), layout="single_server")}
    assert plan(odd) == {"gone": idle, "one": idle}
    assert plan({"core": CLUSTER["core"]}) == {"core": idle}


def settled(reports: dict[str, Any], shared: dict[str, Any] | None = None) -> bool:
    return is_settled(plan(reports, shared), reports)


EVERY_HOST = ["core", "db", "web"]


def share(server: str = "nfs", clients: Sequence[str] = ("core", "web"), name: str = "nfs.lan") -> dict[str, Any]:
    return {"server": server, "name": name, "port": 2049, "clients": list(clients)}


def to_the_share(plans: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {host: [one for one in plans[host]["connect"] if one["port"] == 2049] for host in plans}


def test_every_node_host_that_mounts_the_share_probes_its_server() -> None:
    plans = plan(CLUSTER, share(server=""))
    target = {
        "peer": "nfs.lan",
        "name": "nfs.lan",
        "port": 2049,
        "runs": True,
        "setting": "nfs_mount_server",
        "may_refuse": False,
        "firewalled": False,
    }
    assert to_the_share(plans) == {"db": [], "core": [target], "web": [target]}
    assert to_the_share(plan(CLUSTER, share(server="", clients=["web"]))) == {"db": [], "core": [], "web": [target]}
    assert plan(CLUSTER, None) == plan(CLUSTER, share(server="", name=""))


def test_a_refused_connection_is_enough_for_an_unobserved_server_of_the_share() -> None:
    found = to_the_share(plan(CLUSTER, share()))
    assert [(one["runs"], one["may_refuse"]) for one in found["core"]] == [(True, True)]


def test_a_server_among_the_hosts_listens_until_it_exports_the_share() -> None:
    plans = plan(CLUSTER, share(server="db"))
    assert peers(plans, "db")[2049] == ["core", "web"]
    assert [(one["peer"], one["runs"], one["may_refuse"]) for one in to_the_share(plans)["web"]] == [
        ("db", False, False)
    ]
    assert not settled(CLUSTER, share(server="db"))
    serving = plan({**CLUSTER, "db": checks("db.lan", node("mysql", 3306), serves_share=True)}, share(server="db"))
    assert [one["port"] for one in serving["db"]["listen"]] == [3306]
    assert [(one["runs"], one["may_refuse"]) for one in to_the_share(serving)["web"]] == [(True, False)]


def test_a_listener_waits_only_for_hosts_that_probe_it() -> None:
    plans = plan(CLUSTER, share(server="db", clients=["web"]))
    assert peers(plans, "db") == {3306: ["core", "web"], 2049: ["web"]}
    assert [(one["runs"], one["may_refuse"]) for one in to_the_share(plans)["web"]] == [(False, False)]


def test_a_server_does_not_probe_itself() -> None:
    assert to_the_share(plan(CLUSTER, share(server="core", clients=EVERY_HOST)))["core"] == []


def met(port: int, error: str | None = None, **more: Any) -> dict[str, Any]:
    """Return what trying a port of core1 met, reached by its name in DNS."""
    target = {"peer": "core1", "name": "core1.lan", "port": port, "runs": True, "setting": "external_hostname"}
    seen = {"error": error, "refused": False, "ipv6_only": False, "in_hosts_file": False}
    return {**target, "firewalled": False, **seen, **more}


REFUSED = {"error": "Connection refused", "refused": True}


def test_an_unreachable_share_is_reported_by_its_setting() -> None:
    tried = met(2049, "no answer", peer="nfs", name="nfs.lan", in_hosts_file=True, setting="nfs_mount_server")
    (problem,), _warnings = probe_problems("web1", [tried])
    assert (problem.variable, problem.problem) == (
        "nfs_mount_server",
        "web1 cannot reach nfs (nfs.lan:2049): no answer",
    )


RUNNING = {
    "db": checks("db.lan", node("mysql", 3306, running=[3306])),
    "core": checks("core.lan", node("coreapp", 6250, running=[6250]), databases=["db.lan"]),
    "web": checks("web.lan", node("webapp", 9090, running=[9090]), databases=["db.lan"]),
}


def test_a_cluster_is_settled_when_no_host_listens() -> None:
    assert not settled(CLUSTER)
    assert settled(RUNNING)


def test_a_cluster_is_not_settled_when_a_name_changes() -> None:
    renamed = checks("typo.lan", node("coreapp", 6250, running=[6250]), as_deployed=False)
    assert not settled({**RUNNING, "core": renamed})
    assert not settled({**RUNNING, "db": checks("typo.lan", node("mysql", 3306, running=[3306]))})
    limited = {host: RUNNING[host] for host in ("core", "web")}
    assert settled(limited), "whose database is not of this run is not compared"


@pytest.mark.parametrize(
    ("carried", "same"),
    [
        ({}, True),
        ({"hostname": "old.lan"}, False),
        ({"hostname": ""}, True),
        ({"address": "192.0.2.1"}, False),
        ({"address": "0.0.0.0"}, True),
    ],
)
def test_a_host_is_as_deployed_when_names_and_addresses_match(carried: dict[str, Any], same: bool) -> None:
    wanted = [{"name": "wacore", "hostname": "new.lan", "address": ""}]
    found = {"wacore": {"hostname": "new.lan", "address": "", "database": "", **carried}, "former": {}}
    assert is_as_deployed(wanted, found) is same
    assert is_as_deployed(wanted, {})


def test_ports_of_one_peer_with_the_same_error_are_one_problem() -> None:
    (problem,), warnings = probe_problems("webapp1", [met(port, **REFUSED) for port in (6251, 6250)])
    assert problem.problem == "webapp1 cannot reach core1 (core1.lan:6250, 6251): Connection refused"
    assert warnings == []


def test_every_target_has_the_firewall_state_of_its_peer() -> None:
    guarded = {**CLUSTER, "core": checks("core.lan", node("coreapp", 6250, running=[6250]), firewall=True)}
    assert [(one["peer"], one["firewalled"]) for one in plan(guarded)["web"]["connect"]] == [
        ("db", False),
        ("core", True),
    ]
    serving = checks("db.lan", node("mysql", 3306), serves_share=True, firewall=True)
    assert [one["firewalled"] for one in to_the_share(plan({**CLUSTER, "db": serving}, share(server="db")))["web"]] == [
        True
    ]


def test_a_refusal_by_the_clusters_firewall_is_a_warning_and_probed_again() -> None:
    attempts = [met(port, firewalled=True, **REFUSED) for port in (6251, 6250)]
    problems, (warning,) = probe_problems("new", attempts)
    assert problems == []
    assert (warning.variable, warning.value) == ("waba_firewall", "(in force on core1)")
    assert (
        warning.problem == "core1 refuses new (core1.lan:6250, 6251), as its firewall does while it does not know new"
    )
    assert [(one["port"], one["firewalled"]) for one in targets_to_retry(attempts)] == [(6251, False), (6250, False)]


def test_targets_without_a_container_are_not_probed_again() -> None:
    assert targets_to_retry([met(6250, runs=False, firewalled=True, **REFUSED)]) == []


def test_a_firewall_excuses_only_a_refused_connection() -> None:
    for excused in (met(6250, "no answer", firewalled=True), met(6250, **REFUSED)):
        (_problem,), warnings = probe_problems("new", [excused])
        assert (warnings, targets_to_retry([excused])) == ([], [])
    reached = met(2049, refused=True, firewalled=True)  # one that may refuse
    assert (probe_problems("new", [reached]), targets_to_retry([reached])) == (([], []), [])


def test_a_name_from_the_hosts_file_is_one_warning() -> None:
    problems, (warning,) = probe_problems("webapp1", [met(port, in_hosts_file=True) for port in (6250, 6251)])
    assert problems == []
    assert "which containers do not read" in warning.problem


def test_a_host_with_an_api_proxy_probes_the_webapps_and_no_other_port() -> None:
    proxies = {name: checks(f"{name}.lan", node("api_proxy", 443)) for name in ("p1", "p2")}
    plans = plan({**CLUSTER, **proxies})
    assert tries(plans, "p1", "peer", "port") == [{"peer": "web", "port": 9090}]
    assert peers(plans, "web") == {9090: ["core", "p1", "p2"]}
    assert peers(plans, "db") == {3306: ["core", "web"]}
    assert peers(plans, "core") == {6251: ["web"]}
    assert plans["p1"]["listen"] == []
    assert not any(target["peer"] in proxies for one in plans.values() for target in one["connect"])


def test_a_node_host_with_an_api_proxy_probes_every_port() -> None:
    both = checks("both.lan", node("master", 6254), node("api_proxy", 443))
    assert {target["port"] for target in plan({**CLUSTER, "both": both})["both"]["connect"]} == {3306, 6250, 6251, 9090}


def test_name_with_ipv6_addresses_only_needs_containers_with_ipv6() -> None:
    tried = [met(port, ipv6_only=True) for port in (6250, 6251)]
    (problem,), _warnings = probe_problems("webapp1", tried, ipv6=False)
    assert (problem.variable, problem.value) == ("waba_ipv6", False)
    assert probe_problems("webapp1", tried) == ([], [])


def test_share_with_ipv6_addresses_only_is_mounted_by_the_host() -> None:
    tried = met(2049, ipv6_only=True, setting="nfs_mount_server")
    assert probe_problems("webapp1", [tried], ipv6=False) == ([], [])


def test_ipv6_address_is_in_brackets_before_the_ports() -> None:
    (problem,), _warnings = probe_problems("webapp1", [met(6250, "no answer", name="fd00::11")])
    assert "([fd00::11]:6250)" in problem.problem


def test_spelling_of_a_published_address_is_no_change() -> None:
    node = {"name": "wacore", "address": "2001:db8::1", "hostname": "core1"}
    assert is_as_deployed([node], {"wacore": {"address": "2001:DB8::1", "hostname": "core1"}})


def test_an_arbitrator_probes_the_members_at_the_ports_that_it_uses() -> None:
    member = checks("db.lan", node("mysql", 3306, 4567, 4568, 4444), node("guard", 3309))
    hosts = {**CLUSTER, "db": member, "vote": checks("vote.lan", node("arbitrator", 4567))}
    plans = plan(hosts)
    assert tries(plans, "vote", "peer", "port") == [{"peer": "db", "port": 4567}, {"peer": "db", "port": 3309}]
    assert {"peer": "vote", "port": 4567} in tries(plans, "db", "peer", "port")
    assert peers(plans, "db")[4567] == ["core", "web", "vote"]
    assert peers(plans, "db")[3306] == ["core", "web"]
