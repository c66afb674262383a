# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The addresses by which the hosts of a cluster know each other, as this host resolves them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem


def addresses(hosts: Sequence[Mapping[str, Any]], own: str) -> tuple[list[str], list[Problem]]:
    """Return the sorted addresses of all hosts, and the problems with their names.

    hosts: {"host", "names"} of each; the other hosts call it by the first name. own: the name of this host among them. Sends nothing: the kernel knows
    from which address this host would connect.
    """
    with ThreadPoolExecutor(max_workers=min(32, len(hosts) or 1)) as pool:
        known = dict(zip([one["host"] for one in hosts], pool.map(lambda one: _resolved(one["names"]), hosts)))
    problems = [
        Problem(
            "external_hostname",
            one["names"][0],
            f"no address of {one['host']} is found under this name",
            "Have the name in DNS, or use an address",
        )
        for one in hosts
        if one["host"] != own and not known[one["host"]]
    ]
    own_addresses = known.get(own, set())
    unknown = {
        source: one["host"]
        for one in (reversed(hosts) if own_addresses else ())
        for source in _unknown_sources(one, known, own, own_addresses)
    }
    problems += [_source_problem(own, peer, source) for source, peer in sorted(unknown.items())]
    return sorted(set().union(*known.values()), key=lambda text: (":" in text, ipaddress.ip_address(text))), problems


def _unknown_sources(
    one: Mapping[str, Any], known: Mapping[str, set[str]], own: str, own_addresses: set[str]
) -> set[str]:
    """Return the addresses from which this host would connect to another one, and by which the other hosts do not know it."""
    sources = {source_towards(address) for address in known[one["host"]]} if one["host"] != own else set()
    return {source for source in sources if source} - own_addresses


def _source_problem(own: str, peer: str, source: str) -> Problem:
    return Problem(
        "firewall_addresses",
        None,
        f"{own} would come to {peer} from {source}, which is none of the addresses that the others know it by",
        f"Set it to ['{source}'] for this host, or let waba_external_hostname lead to that address",
    )


def source_towards(address: str) -> str | None:
    """Return the address from which this host's packets leave for another address, or None without a route."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # connecting a datagram socket sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _resolved(names: Iterable[str]) -> set[str]:
    """Return the addresses of names, without loopback and link-local addresses, which mean another host on each host."""
    found: set[str] = set()
    for name in names:
        try:
            found |= {
                str(answer[4][0]).partition("%")[0]
                for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            }
        except (OSError, UnicodeError):
            continue
    return {
        text
        for text in found
        if not (ipaddress.ip_address(text).is_loopback or ipaddress.ip_address(text).is_link_local)
    }
