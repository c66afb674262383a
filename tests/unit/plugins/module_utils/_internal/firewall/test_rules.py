# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import ipaddress
import shlex
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import (
    Publication,
    plan_nodes,
    publications,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import rules as firewall
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.rules import Audience, Offer
from hypothesis import given
from hypothesis import strategies as st

CLUSTER = "waba"
HOSTS = ["10.1.0.1", "10.1.0.2", "fd00::1"]
API = ["192.0.2.0/24", "2001:db8::/32"]
PROXY = "203.0.113.9"
MORE = {Audience.API: API, Audience.WEBHOOKS: [PROXY]}
ACCEPT, REFUSE, FORWARD = firewall.chains(CLUSTER)


def verdict(rules: list[str], **packet: Any) -> str:
    """Return the verdict of a chain on a packet by the semantics of iptables: ACCEPT, REJECT or RETURN."""
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


def _fits(word: str, value: str, packet: dict[str, Any]) -> bool:
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


def to_host(rules: dict, source: str, port: int, way: str = "eth0", to: str = "10.1.0.1") -> str:
    """Return the verdict on a new packet for a process of the host, in the order in which the hub calls the chains."""
    packet = {"source": source, "port": port, "to": to, "way": way, "states": {"NEW"}}
    first = verdict(rules[ACCEPT], **packet)
    return first if first != "RETURN" else verdict(rules[REFUSE], **packet)


def to_container(
    rules: dict,
    source: str,
    port: int,
    way: str = "eth0",
    to: str = "10.1.0.1",
    states: tuple[str, ...] = ("NEW", "DNAT"),
) -> str:
    """Return the verdict on a packet for a container. Only its connection has the original destination."""
    packet = {"source": source, "port": 443, "to": "172.20.0.2", "meant": to, "meant_port": port, "way": way}
    return verdict(rules[FORWARD], **packet, states=set(states))


@pytest.fixture
def offered(params: dict) -> list[Offer]:
    params.update(layout="role", publish_address="")
    params["database"]["port"] = 3306
    return firewall.offers(published(params), 2049)


def published(params: dict, *roles: str) -> list[Publication]:
    nodes = [node for node in plan_nodes(params) if not roles or node["role"] in roles]
    return [one for node in nodes for one in publications(node, params)]


def rules_for(offered: list[Offer], family: int = 4, foreign: tuple[str, ...] = ()) -> dict[str, list[str]]:
    return firewall.rules(CLUSTER, offered, HOSTS, MORE, foreign, family)


def test_adjacent_ports_of_one_kind_are_merged(offered: list[Offer]) -> None:
    assert [(one.first, one.last, one.published, one.audience) for one in offered] == [
        (2049, 2049, False, Audience.CLUSTER),
        (3306, 3306, True, Audience.CLUSTER),
        (6250, 6257, True, Audience.CLUSTER),
        (6262, 6265, True, Audience.CLUSTER),
        (26300, 26303, True, Audience.CLUSTER),
        (9090, 9090, True, Audience.API),
    ]


def test_webhook_listener_is_open_to_its_own_sources_only(params: dict) -> None:
    params.update(layout="role", webhook_port=9290)
    rules = rules_for(firewall.offers(published(params, "webapp"), None))
    for port, sources in ((9290, {PROXY}), (9090, {"192.0.2.1"})):
        for source in (PROXY, "192.0.2.1", "198.51.100.1"):
            assert to_container(rules, source, port) == ("RETURN" if source in sources else "REJECT")


@given(st.ip_addresses(v=4).map(str), st.integers(1, 65535))
def test_only_cluster_hosts_and_api_sources_reach_the_ports(source: str, port: int) -> None:
    offered = [
        Offer("", 2049, 2049, False, Audience.CLUSTER),
        Offer("", 6250, 6257, True, Audience.CLUSTER),
        Offer("", 9090, 9090, True, Audience.API),
    ]
    rules = rules_for(offered)
    is_host, may_api = source in HOSTS, ipaddress.ip_address(source) in ipaddress.ip_network(API[0])
    for one in offered:
        for offered_port in (one.first, one.last):
            may = is_host or (one.audience == Audience.API and may_api)
            assert to_host(rules, source, offered_port) == ("ACCEPT" if may else "REJECT")
            if one.published:
                assert to_container(rules, source, offered_port) == ("RETURN" if may else "REJECT")
    if not any(one.first <= port <= one.last for one in offered):
        assert to_host(rules, source, port) == to_container(rules, source, port) == "RETURN"


@given(
    st.integers(1, 65535), st.sampled_from(["eth0", "br-0123456789ab", "docker0", "wg0"]), st.ip_addresses(v=4).map(str)
)
def test_established_and_forwarded_packets_are_not_affected(port: int, way: str, source: str) -> None:
    rules = rules_for([Offer("", 1, 65535, True, Audience.CLUSTER)])
    packet = {"source": source, "port": port, "to": "10.1.0.1", "way": way, "states": {"ESTABLISHED"}}
    assert verdict(rules[ACCEPT], **packet) == verdict(rules[REFUSE], **packet) == "RETURN"
    assert to_container(rules, source, port, way, states=("NEW",)) == "RETURN", "an outgoing connection of a container"
    assert to_container(rules, source, port, way, states=("ESTABLISHED", "DNAT")) == "RETURN"


def test_the_host_and_its_containers_reach_every_port(offered: list[Offer]) -> None:
    rules = rules_for(offered)
    assert to_host(rules, "198.51.100.1", 6250, way="lo") == "RETURN"
    for way in ("docker0", "br-0123456789ab"):
        assert to_host(rules, "172.18.0.3", 6250, way=way) == "ACCEPT"
        assert to_container(rules, "172.18.0.3", 6250, way=way) == "RETURN"


def test_a_bridge_that_is_not_dockers_is_treated_as_another_host(offered: list[Offer]) -> None:
    rules = rules_for(offered, foreign=("br-lan",))
    assert (
        to_host(rules, "172.18.0.3", 6250, way="br-lan")
        == to_container(rules, "172.18.0.3", 6250, way="br-lan")
        == "REJECT"
    )
    assert to_host(rules, "10.1.0.2", 6250, way="br-lan") == "ACCEPT"
    assert to_host(rules, "172.18.0.3", 6250, way="br-0123456789ab") == "ACCEPT"


def test_ports_of_one_address_are_restricted_at_that_address_only(params: dict) -> None:
    params.update(layout="role", publish_address="10.1.0.1")
    rules = rules_for(firewall.offers(published(params, "coreapp"), None))
    assert [to_host(rules, "198.51.100.1", 6250, to=to) for to in ("10.1.0.1", "10.9.0.1")] == ["REJECT", "RETURN"]
    assert [to_container(rules, "198.51.100.1", 6250, to=to) for to in ("10.1.0.1", "10.9.0.1")] == ["REJECT", "RETURN"]
    sixth = firewall.rules(CLUSTER, [Offer("10.1.0.1", 6250, 6253, True, Audience.CLUSTER)], HOSTS, MORE, (), 6)
    assert not [rule for rule in sixth[REFUSE] if "6250" in rule], "the address is of the other family"


def test_ports_on_a_loopback_address_need_no_rule(params: dict) -> None:
    for address, offered in (("127.0.0.1", []), ("0.0.0.0", [""])):
        params["webapp_publish_address"] = address
        assert [one.address for one in firewall.offers(published(params, "webapp"), None)] == offered


def test_sources_are_merged_within_their_family() -> None:
    offered = [Offer("", 9090, 9090, True, Audience.API)]
    sources = ["10.1.0.0/16", "fd00::/8"]
    for family, source in ((4, "10.1.0.0/16"), (6, "fd00::/8")):
        rules = firewall.rules(CLUSTER, offered, HOSTS, {Audience.API: sources}, (), family)
        assert [rule.split()[1] for rule in rules[ACCEPT] if rule.startswith("-s")] == [source]
    unrestricted = firewall.rules(CLUSTER, offered, HOSTS, {Audience.API: ["0.0.0.0/0"]}, (), 4)
    assert "-p tcp -m tcp --dport 9090 -j ACCEPT" in unrestricted[ACCEPT], "iptables prints no source for all addresses"


@given(
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,60}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,60}", fullmatch=True),
)
def test_chain_names_are_unique_and_short_enough(one: str, other: str) -> None:
    names = [*firewall.chains(one), *firewall.chains(other)]
    assert max(map(len, names)) <= 28
    assert one == other or len(set(names)) == 6


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("10.0.0.300/8", "it is neither an address nor a network"),
        ("api.example.com", "it is neither an address nor a network"),
        ("10.0.0.0/33", "it is neither an address nor a network"),
        ("", "it is neither an address nor a network"),
        ("10.1.2.3/8", "it is an address in a network, not a network"),
        ("2001:db8::1/32", "it is an address in a network, not a network"),
    ],
)
def test_an_invalid_source_is_reported(source: str, problem: str) -> None:
    (found,) = firewall.source_problems("firewall_api_sources", ["192.0.2.1", source, "::/0"])
    assert (found.variable, found.value, found.problem) == ("firewall_api_sources[1]", source, problem)
    network = source.rpartition("/")[2]
    assert found.fix == {
        "8": "Write 10.0.0.0/8",
        "32": "Write 2001:db8::/32",
    }.get(
        network if "address in" in problem else "",
        "Write an address or network, for example 192.0.2.0/24 or 2001:db8::1; names are not resolved",
    )
