# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress
import shlex

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils.firewall import rules as firewall
from ansible_collections.waba.cluster.plugins.module_utils.firewall.rules import Offer
from hypothesis import given
from hypothesis import strategies as st

CLUSTER = "waba"
HOSTS = ["10.1.0.1", "10.1.0.2", "fd00::1"]
API = ["192.0.2.0/24", "2001:db8::/32"]
ENTER, REFUSE, FORWARD = firewall.chains(CLUSTER)


def verdict(rules, **packet):
    """Return what becomes of a packet in a chain, by iptables' own semantics: ACCEPT, REJECT or RETURN."""
    for rule in rules:
        words, matches, negated = shlex.split(rule), True, False
        while words and words[0] != "-j":
            word = words.pop(0)
            if word == "!":
                negated = True
                continue
            value = words.pop(0)
            if word != "-m":
                matches &= _fits(word, value, packet) != negated
            negated = False
        if matches:
            return words[1]
    return "RETURN"


def _fits(word, value, packet):
    if word in ("-s", "-d", "--ctorigdst"):
        return ipaddress.ip_address(packet[{"-s": "source", "-d": "to"}.get(word, "meant")]) in ipaddress.ip_network(
            value
        )
    if word in ("--dport", "--ctorigdstport"):
        first, _colon, last = value.partition(":")
        return int(first) <= packet["port" if word == "--dport" else "meant_port"] <= int(last or first)
    if word == "-i":
        return packet["way"].startswith(value[:-1]) if value.endswith("+") else packet["way"] == value
    if word == "--ctstate":
        return value in packet["states"]
    return {"-p": "tcp"}[word] == value


def comes(rules, source, port, way="eth0", to="10.1.0.1"):
    """Return what becomes of a new packet for a process of the host, in the order in which the hub asks."""
    packet = {"source": source, "port": port, "to": to, "way": way, "states": {"NEW"}}
    first = verdict(rules[ENTER], **packet)
    return first if first != "RETURN" else verdict(rules[REFUSE], **packet)


def passes(rules, source, port, way="eth0", to="10.1.0.1", states=("NEW", "DNAT")):
    """Return what becomes of a packet for a container, of which only the connection knows whom it meant."""
    packet = {"source": source, "port": 443, "to": "172.20.0.2", "meant": to, "meant_port": port, "way": way}
    return verdict(rules[FORWARD], **packet, states=set(states))


@pytest.fixture
def offered(params):
    params["layout"] = "role"
    params["database"]["port"] = 3306
    return firewall.offers(plan_nodes(params), {}, 2049)


def made(offered, family=4, foreign=()):
    return firewall.rules(CLUSTER, offered, HOSTS, API, foreign, family)


def test_neighbouring_ports_of_one_kind_are_together(offered):
    assert [(one.first, one.last, one.published, one.api) for one in offered] == [
        (2049, 2049, False, False),
        (3306, 3306, True, False),
        (6250, 6257, True, False),
        (6262, 6265, True, False),
        (26300, 26303, True, False),
        (9090, 9090, True, True),
    ]


@given(st.ip_addresses(v=4).map(str), st.integers(1, 65535))
def test_a_stranger_reaches_the_api_where_he_may_and_nothing_else_of_ours(source, port):
    offered = [
        Offer("", 2049, 2049, False, False),
        Offer("", 6250, 6257, True, False),
        Offer("", 9090, 9090, True, True),
    ]
    rules = made(offered)
    friend, may_api = source in HOSTS, ipaddress.ip_address(source) in ipaddress.ip_network(API[0])
    for one in offered:
        for ours in (one.first, one.last):
            may = friend or (one.api and may_api)
            assert comes(rules, source, ours) == ("ACCEPT" if may else "REJECT")
            if one.published:
                assert passes(rules, source, ours) == ("RETURN" if may else "REJECT")
    if not any(one.first <= port <= one.last for one in offered):
        assert comes(rules, source, port) == passes(rules, source, port) == "RETURN"


@given(
    st.integers(1, 65535), st.sampled_from(["eth0", "br-0123456789ab", "docker0", "wg0"]), st.ip_addresses(v=4).map(str)
)
def test_what_is_established_or_goes_elsewhere_is_none_of_our_business(port, way, source):
    rules = made([Offer("", 1, 65535, True, False)])
    packet = {"source": source, "port": port, "to": "10.1.0.1", "way": way, "states": {"ESTABLISHED"}}
    assert verdict(rules[ENTER], **packet) == verdict(rules[REFUSE], **packet) == "RETURN"
    assert passes(rules, source, port, way, states=("NEW",)) == "RETURN", "a container that calls out"
    assert passes(rules, source, port, way, states=("ESTABLISHED", "DNAT")) == "RETURN"


def test_the_host_itself_and_its_containers_reach_everything(offered):
    rules = made(offered)
    assert comes(rules, "198.51.100.1", 6250, way="lo") == "RETURN"
    for way in ("docker0", "br-0123456789ab"):
        assert comes(rules, "172.18.0.3", 6250, way=way) == "ACCEPT"
        assert passes(rules, "172.18.0.3", 6250, way=way) == "RETURN"


def test_a_bridge_of_somebody_else_is_no_container_of_this_host(offered):
    rules = made(offered, foreign=["br-lan"])
    assert comes(rules, "172.18.0.3", 6250, way="br-lan") == passes(rules, "172.18.0.3", 6250, way="br-lan") == "REJECT"
    assert comes(rules, "10.1.0.2", 6250, way="br-lan") == "ACCEPT"
    assert comes(rules, "172.18.0.3", 6250, way="br-0123456789ab") == "ACCEPT"


def test_ports_of_one_address_are_kept_at_that_address(params):
    params.update(layout="role", publish_address="10.1.0.1")
    nodes = plan_nodes(params)
    rules = made(firewall.offers(nodes, {"coreapp": "10.1.0.1"}, None))
    assert [comes(rules, "198.51.100.1", 6250, to=to) for to in ("10.1.0.1", "10.9.0.1")] == ["REJECT", "RETURN"]
    assert [passes(rules, "198.51.100.1", 6250, to=to) for to in ("10.1.0.1", "10.9.0.1")] == ["REJECT", "RETURN"]
    sixth = firewall.rules(CLUSTER, [Offer("10.1.0.1", 6250, 6253, True, False)], HOSTS, API, (), 6)
    assert not [rule for rule in sixth[REFUSE] if "6250" in rule], "there is no such address in the other family"


def test_what_is_published_to_the_host_itself_needs_no_rule(params):
    nodes = [node for node in plan_nodes(params) if node["role"] == "webapp"]
    assert firewall.offers(nodes, {"webapp": "127.0.0.1"}, None) == []
    assert [one.address for one in firewall.offers(nodes, {"webapp": "0.0.0.0"}, None)] == [""]


def test_sources_of_both_families_each_once_in_its_own():
    offered = [Offer("", 9090, 9090, True, True)]
    sources = ["10.1.0.0/16", "fd00::/8"]
    for family, source in ((4, "10.1.0.0/16"), (6, "fd00::/8")):
        rules = firewall.rules(CLUSTER, offered, HOSTS, sources, (), family)
        assert [rule.split()[1] for rule in rules[ENTER] if rule.startswith("-s")] == [source]
    everyone = firewall.rules(CLUSTER, offered, HOSTS, ["0.0.0.0/0"], (), 4)
    assert "-p tcp -m tcp --dport 9090 -j ACCEPT" in everyone[ENTER], "iptables writes no source for everybody"


@given(
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,60}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,60}", fullmatch=True),
)
def test_every_cluster_has_chains_of_its_own_with_names_that_the_kernel_takes(one, other):
    names = [*firewall.chains(one), *firewall.chains(other)]
    assert max(map(len, names)) <= 28
    assert one == other or len(set(names)) == 6


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("10.0.0.300/8", "it is no address and no network"),
        ("api.example.com", "it is no address and no network"),
        ("10.0.0.0/33", "it is no address and no network"),
        ("", "it is no address and no network"),
        ("10.1.2.3/8", "it is an address within a network, and no network"),
        ("2001:db8::1/32", "it is an address within a network, and no network"),
    ],
)
def test_bad_sources_are_told_by_name_and_value(source, wrong):
    (problem,) = firewall.source_problems("firewall_api_sources", ["192.0.2.1", source, "::/0"])
    assert (problem.variable, problem.value, problem.problem) == ("firewall_api_sources[1]", source, wrong)
    network = source.rpartition("/")[2]
    assert problem.fix == {
        "8": "Write 10.0.0.0/8",
        "32": "Write 2001:db8::/32",
    }.get(
        network if "within" in wrong else "", "Give one as in 192.0.2.0/24 or 2001:db8::1; names are not looked up here"
    )
