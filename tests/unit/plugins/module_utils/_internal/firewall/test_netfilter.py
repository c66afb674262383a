# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import boot, netfilter
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.rules import (
    Audience,
    Offer,
    chains,
    rules,
)
from hypothesis import given
from hypothesis import strategies as st

FOREIGN = {
    "INPUT": ["-s 198.51.100.7/32 -j DROP", "-p tcp -m tcp --dport 22 -j ACCEPT"],
    "FORWARD": ["-j DOCKER-USER", "-j DOCKER-ISOLATION-STAGE-1"],
    "DOCKER-USER": ["-s 203.0.113.9/32 -j DROP", "-j RETURN"],
    "f2b-sshd": ["-j RETURN"],
}


def wanted(cluster: str, hosts: tuple[str, ...] = ("10.1.0.1",)) -> dict[str, list[str]]:
    offered = [Offer("", 6250, 6257, True, Audience.CLUSTER), Offer("", 2049, 2049, False, Audience.CLUSTER)]
    return rules(cluster, offered, hosts, {}, (), 4)


def restored(live: dict[str, list[str]], lines: list[str]) -> dict[str, list[str]]:
    """Return the tables after `iptables-restore --noflush` read the lines, as documented. live is not changed."""
    tables = {chain: list(found) for chain, found in live.items()}
    assert not lines or (lines[0], lines[-1]) == ("*filter", "COMMIT")
    for line in lines[1:-1]:
        verb, _space, rest = line.partition(" ")
        chain, _space, rule = rest.partition(" ")
        if verb.startswith(":"):
            tables[verb[1:]] = []
        elif verb == "-A":
            tables[chain].append(rule)
        elif verb == "-D":
            tables[chain].remove(rule)  # ValueError where iptables refuses the whole input
        elif verb == "-I":
            tables[chain].insert(0, rule.removeprefix("1 "))
        elif verb == "-F":
            tables[chain] = []
        elif verb == "-X":
            assert not tables.pop(chain), "iptables refuses to remove a chain with rules"
            assert not [rule for found in tables.values() for rule in found if rule == f"-j {chain}"], (
                "and one that is called"
            )
    return tables


def converged(live: dict[str, list[str]], cluster: str, present: bool = True) -> dict[str, list[str]]:
    """Return the tables after the plan was applied."""
    return restored(live, netfilter.plan(cluster, wanted(cluster) if present else None, live))


def foreign_part(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the tables without the rules of clusters."""
    return {
        chain: [rule for rule in found if not rule.startswith("-j WABA")]
        for chain, found in tables.items()
        if not chain.startswith("WABA")
    }


def test_rules_are_added_once_and_removed_completely() -> None:
    there = converged(FOREIGN, "waba")
    assert there["INPUT"][0] == "-j WABA"
    assert there["DOCKER-USER"][0] == "-j WABA-FW-waba"
    assert netfilter.plan("waba", wanted("waba"), there) == []
    assert foreign_part(there) == FOREIGN
    assert converged(there, "waba", False) == FOREIGN
    assert netfilter.plan("waba", None, FOREIGN) == []


@given(st.lists(st.tuples(st.sampled_from(["waba", "blue", "green-1"]), st.booleans()), max_size=8))
def test_clusters_on_one_host_do_not_affect_each_other(steps: list[tuple[str, bool]]) -> None:
    live, there = FOREIGN, set()
    for cluster, stays in steps:
        live = converged(live, cluster, stays)
        there = there | {cluster} if stays else there - {cluster}
        assert foreign_part(live) == FOREIGN
        assert {chain for chain in live if chain.startswith("WABA")} == (
            {"WABA", *(name for one in there for name in chains(one))} if there else set()
        )
        assert [rule.split("-")[2] for rule in live.get("WABA", [])] == ["IN"] * len(there) + ["NO"] * len(there)
        assert all(netfilter.plan(one, wanted(one), live) == [] for one in there)


DAMAGE = st.sampled_from(
    [
        lambda live: live["INPUT"].clear(),
        lambda live: live["INPUT"].append("-j WABA"),
        lambda live: live["DOCKER-USER"].insert(1, "-j WABA-FW-waba"),
        lambda live: live["DOCKER-USER"].clear(),
        lambda live: live["WABA"].reverse(),
        lambda live: live["WABA"].pop(),
        lambda live: live["WABA-IN-waba"].insert(0, "-j ACCEPT"),
        lambda live: live["WABA-NO-waba"].clear(),
        lambda live: live["WABA-FW-waba"].pop(),
    ]
)


@given(st.lists(DAMAGE, min_size=1, max_size=4))
def test_damaged_rules_are_restored(damages: list[Callable[[dict], object]]) -> None:
    live = converged(FOREIGN, "waba")
    for damage in damages:
        try:
            damage(live)
        except IndexError:
            continue
    before = foreign_part(live)
    fixed = converged(live, "waba")
    assert netfilter.plan("waba", wanted("waba"), fixed) == []
    assert {chain: fixed[chain] for chain in chains("waba")} == wanted("waba")
    assert foreign_part(fixed) == before


def test_a_jump_to_the_hub_that_was_added_twice_is_accepted_and_removed() -> None:
    live = converged(converged(FOREIGN, "waba"), "blue")
    live["INPUT"].insert(0, "-j WABA")
    assert netfilter.plan("waba", wanted("waba"), live) == []
    assert converged(converged(live, "blue", False), "waba", False) == FOREIGN


def test_only_chains_that_differ_are_written() -> None:
    lines = netfilter.plan("waba", wanted("waba", ("10.1.0.1", "10.1.0.9")), converged(FOREIGN, "waba"))
    assert {line.split()[0] for line in lines[1:-1]} == {":WABA-IN-waba", ":WABA-FW-waba", "-A"}


def test_the_order_of_options_in_a_rule_does_not_matter() -> None:
    live = converged(FOREIGN, "waba")
    swapped = "-p tcp -s 10.1.0.1/32 -m tcp --dport 2049 -j ACCEPT"
    live["WABA-IN-waba"] = [
        swapped if rule == "-s 10.1.0.1/32 -p tcp -m tcp --dport 2049 -j ACCEPT" else rule
        for rule in live["WABA-IN-waba"]
    ]
    assert swapped in live["WABA-IN-waba"]
    assert netfilter.plan("waba", wanted("waba"), live) == []


def test_without_docker_the_chain_docker_user_is_not_created() -> None:
    bare = converged({"INPUT": [], "FORWARD": []}, "waba")
    assert "DOCKER-USER" not in bare
    assert netfilter.plan("waba", wanted("waba"), bare) == []


def test_rules_that_accept_before_the_cluster_are_reported() -> None:
    live = converged(FOREIGN, "waba")
    assert netfilter.accepted_before(live) == []
    live["INPUT"][:0] = ["-i lo -j ACCEPT", "-p tcp -m tcp --dport 6250 -j ACCEPT"]
    assert netfilter.accepted_before(live) == ["-p tcp -m tcp --dport 6250 -j ACCEPT"]
    assert netfilter.plan("waba", wanted("waba"), live) == []


@pytest.mark.parametrize(
    "before", [{"INPUT": [], "FORWARD": []}, FOREIGN, converged(converged(FOREIGN, "blue"), "waba")]
)
def test_the_unit_restores_the_same_rules(before: dict[str, list[str]]) -> None:
    """On a host without rules, and on hosts that have some or all of them."""
    files = boot.files(
        "waba", {4: {"wanted": wanted("waba"), "live": FOREIGN, "command": "iptables", "restore": "iptables-restore"}}
    )
    live = {chain: list(found) for chain, found in before.items()}
    for line in files[boot.unit_path("waba")].splitlines():
        if " -N " in line:
            live.setdefault(line.split(" -N ")[1], [])
        elif " -D " in line:
            chain, rule = line.split(" -D ")[1].split(" ", 1)
            if rule in live.get(chain, []):
                live[chain].remove(rule)
    lines = files[boot.rules_path("waba", 4)].splitlines()[1:]
    assert netfilter.plan("waba", wanted("waba"), restored(live, lines)) == []
