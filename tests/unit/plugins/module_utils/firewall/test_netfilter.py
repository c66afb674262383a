# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.firewall import boot as firewall_boot
from ansible_collections.waba.cluster.plugins.module_utils.firewall import netfilter
from ansible_collections.waba.cluster.plugins.module_utils.firewall import rules as firewall
from ansible_collections.waba.cluster.plugins.module_utils.firewall.rules import Offer
from hypothesis import given
from hypothesis import strategies as st

FOREIGN = {
    "INPUT": ["-s 198.51.100.7/32 -j DROP", "-p tcp -m tcp --dport 22 -j ACCEPT"],
    "FORWARD": ["-j DOCKER-USER", "-j DOCKER-ISOLATION-STAGE-1"],
    "DOCKER-USER": ["-s 203.0.113.9/32 -j DROP", "-j RETURN"],
    "f2b-sshd": ["-j RETURN"],
}


def wanted(cluster, hosts=("10.1.0.1",)):
    offered = [Offer("", 6250, 6257, True, False), Offer("", 2049, 2049, False, False)]
    return firewall.rules(cluster, offered, hosts, (), (), 4)


def restored(live, lines):
    """Return the tables after `iptables-restore --noflush` took the lines, as it is documented to; live stays as it was."""
    tables = {chain: list(rules) for chain, rules in live.items()}
    assert not lines or (lines[0], lines[-1]) == ("*filter", "COMMIT")
    for line in lines[1:-1]:
        verb, _space, rest = line.partition(" ")
        chain, _space, rule = rest.partition(" ")
        if verb.startswith(":"):
            tables[verb[1:]] = []
        elif verb == "-A":
            tables[chain].append(rule)
        elif verb == "-D":
            tables[chain].remove(rule)  # ValueError, where iptables would refuse it all
        elif verb == "-I":
            tables[chain].insert(0, rule.removeprefix("1 "))
        elif verb == "-F":
            tables[chain] = []
        elif verb == "-X":
            assert not tables.pop(chain), "iptables removes no chain that has rules"
            assert not [rule for rules in tables.values() for rule in rules if rule == f"-j {chain}"], (
                "nor one that is called"
            )
    return tables


def have(live, cluster, rules="default"):
    return restored(live, netfilter.plan(cluster, wanted(cluster) if rules == "default" else rules, live))


def foreign_part(tables):
    return {
        chain: [rule for rule in rules if not rule.startswith("-j WABA")]
        for chain, rules in tables.items()
        if not chain.startswith("WABA")
    }


def test_it_is_made_once_and_taken_away_without_a_trace():
    there = have(FOREIGN, "waba")
    assert there["INPUT"][0] == "-j WABA"
    assert there["DOCKER-USER"][0] == "-j WABA-FW-waba"
    assert netfilter.plan("waba", wanted("waba"), there) == []
    assert foreign_part(there) == FOREIGN
    assert have(there, "waba", None) == FOREIGN
    assert netfilter.plan("waba", None, FOREIGN) == []


@given(st.lists(st.tuples(st.sampled_from(["waba", "blue", "green-1"]), st.booleans()), max_size=8))
def test_clusters_on_one_host_come_and_go_and_each_finds_its_own(steps):
    live, there = FOREIGN, set()
    for cluster, stays in steps:
        live = have(live, cluster, wanted(cluster) if stays else None)
        there = there | {cluster} if stays else there - {cluster}
        assert foreign_part(live) == FOREIGN
        assert {chain for chain in live if chain.startswith("WABA")} == (
            {"WABA", *(name for one in there for name in firewall.chains(one))} if there else set()
        )
        assert [rule.split("-")[2] for rule in live.get("WABA", [])] == ["IN"] * len(there) + ["NO"] * len(there)
        assert all(netfilter.plan(one, wanted(one), live) == [] for one in there)


RUINS = st.sampled_from(
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


@given(st.lists(RUINS, min_size=1, max_size=4))
def test_whatever_became_of_the_rules_the_next_run_mends(ruins):
    live = have(FOREIGN, "waba")
    for ruin in ruins:
        try:
            ruin(live)
        except IndexError:
            continue
    before = foreign_part(live)
    fixed = have(live, "waba")
    assert netfilter.plan("waba", wanted("waba"), fixed) == []
    assert {chain: fixed[chain] for chain in firewall.chains("waba")} == wanted("waba")
    assert foreign_part(fixed) == before


def test_a_hub_that_two_units_called_at_once_is_as_good_and_goes_whole():
    live = have(have(FOREIGN, "waba"), "blue")
    live["INPUT"].insert(0, "-j WABA")
    assert netfilter.plan("waba", wanted("waba"), live) == []
    assert have(have(live, "blue", None), "waba", None) == FOREIGN


def test_only_what_differs_is_written():
    lines = netfilter.plan("waba", wanted("waba", ("10.1.0.1", "10.1.0.9")), have(FOREIGN, "waba"))
    assert {line.split()[0] for line in lines[1:-1]} == {":WABA-IN-waba", ":WABA-FW-waba", "-A"}


def test_a_rule_means_the_same_in_another_order_of_words():
    live = have(FOREIGN, "waba")
    swapped = "-p tcp -s 10.1.0.1/32 -m tcp --dport 2049 -j ACCEPT"
    live["WABA-IN-waba"] = [
        swapped if rule == "-s 10.1.0.1/32 -p tcp -m tcp --dport 2049 -j ACCEPT" else rule
        for rule in live["WABA-IN-waba"]
    ]
    assert swapped in live["WABA-IN-waba"]
    assert netfilter.plan("waba", wanted("waba"), live) == []


def test_without_docker_nothing_is_put_where_docker_would_be():
    bare = have({"INPUT": [], "FORWARD": []}, "waba")
    assert "DOCKER-USER" not in bare
    assert netfilter.plan("waba", wanted("waba"), bare) == []


def test_what_others_let_in_before_ours_are_asked_is_told():
    live = have(FOREIGN, "waba")
    assert netfilter.in_front(live) == []
    live["INPUT"][:0] = ["-i lo -j ACCEPT", "-p tcp -m tcp --dport 6250 -j ACCEPT"]
    assert netfilter.in_front(live) == ["-p tcp -m tcp --dport 6250 -j ACCEPT"]
    assert netfilter.plan("waba", wanted("waba"), live) == [], "who put it there meant it"


@pytest.mark.parametrize("before", [{"INPUT": [], "FORWARD": []}, FOREIGN, have(have(FOREIGN, "blue"), "waba")])
def test_a_boot_makes_what_a_run_makes(before):
    """The unit's commands, on a machine without a rule, and again where all is there already."""
    files = firewall_boot.files(
        "waba", {4: {"wanted": wanted("waba"), "live": FOREIGN, "command": "iptables", "restore": "iptables-restore"}}
    )
    live = {chain: list(rules) for chain, rules in before.items()}
    for line in files[firewall_boot.unit_path("waba")].splitlines():
        if " -N " in line:
            live.setdefault(line.split(" -N ")[1], [])
        elif " -D " in line:
            chain, rule = line.split(" -D ")[1].split(" ", 1)
            if rule in live.get(chain, []):
                live[chain].remove(rule)
    lines = files[firewall_boot.rules_path("waba", 4)].splitlines()[1:]
    assert netfilter.plan("waba", wanted("waba"), restored(live, lines)) == []
