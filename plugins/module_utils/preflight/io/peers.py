# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By which addresses the hosts of a cluster know each other, as this one sees it."""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem


def addresses(hosts, own):
    """Return (sorted list of str, list of Problem): the addresses of all hosts, and what is wrong with their names.

    hosts: list of {"host", "names" (names or addresses, the first of which the others call it by)}. own: str, this host among them.
    Nothing is sent; which address this host would come from is what its kernel says.
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
    mine = known.get(own, set())
    met = {source: one["host"] for one in reversed(hosts) for source in _strange(one, known, own, mine)} if mine else {}
    problems += [_unknown(own, peer, source) for source, peer in sorted(met.items())]
    return sorted(set().union(*known.values()), key=lambda text: (":" in text, ipaddress.ip_address(text))), problems


def _strange(one, known, own, mine):
    """Return the addresses from which this host would come to another one, and which nobody knows for its own."""
    sources = {source_towards(address) for address in known[one["host"]]} if one["host"] != own else set()
    return {source for source in sources if source} - mine


def _unknown(own, peer, source):
    return Problem(
        "firewall_addresses",
        None,
        f"{own} would come to {peer} from {source}, which is none of the addresses that the others know it by",
        f"Set it to ['{source}'] for this host, or let waba_external_hostname lead to that address",
    )


def source_towards(address):
    """Return the address (str) from which this host's packets leave for another, or None where there is no way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))  # a datagram socket is only told where it would send to
            return asking.getsockname()[0]
    except OSError:
        return None


def _resolved(names):
    """Return the addresses (set of str) that names lead to, but for those that lead every host to itself."""
    found = set()
    for name in names:
        try:
            found |= {
                answer[4][0].partition("%")[0] for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            }
        except (OSError, UnicodeError):
            continue
    return {
        text
        for text in found
        if not (ipaddress.ip_address(text).is_loopback or ipaddress.ip_address(text).is_link_local)
    }
