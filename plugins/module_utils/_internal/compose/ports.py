# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Allocate the published ports of a host to its instances (docs/adr/0011-port-allocation.md).

Coreapp i has 6250+8i to 6253+8i, master i 6254+8i to 6257+8i, webapp i 9090+i, so a new last instance changes no other instance's ports.
The first ports of each role are the vendor's (docs/reference/vendor-contract.md#ports).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

Holder = Mapping[str, Any]

SINGLE = ("webapp", "mysql", "webhooks", "api_proxy", "check")  # roles with one port
FIRST_PORT = {"coreapp": 6250, "master": 6254, "webapp": 9090}
STEP = {"coreapp": 8, "master": 8, "webapp": 1}
RANGE_LENGTH = 4
HIGHEST_PORT = 65535


def default_ports(role: str, index: int) -> tuple[int, ...]:
    """Return the default ports of an instance. index: its position within the role on its host, from 0."""
    first = FIRST_PORT[role] + STEP[role] * index
    return tuple(range(first, first + (1 if role == "webapp" else RANGE_LENGTH)))


def parse_range(text: str) -> tuple[int, ...] | str:
    """Return the four ports of a text such as "6300-6303", or the problem with it as a str."""
    match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", str(text))
    if not match:
        return "it is not a range of ports"
    first, last = int(match.group(1)), int(match.group(2))
    if last - first + 1 != RANGE_LENGTH:
        return f"it is {max(last - first + 1, 0)} ports long, not {RANGE_LENGTH}"
    return tuple(range(first, last + 1))


def allocate(holders: Sequence[Holder]) -> tuple[dict[str, tuple[int, ...]], list[Problem]]:
    """Return ({variable: ports}, problems). A holder with invalid ports has no entry. Overlapping ports are a problem and are never moved.

    holders: in the order of the inventory, each with `role` (of a node, "webhooks" for the listener of a webapp, "check" for that of an API proxy), `index`
    (from 0 within the role), `name`, `variable` (the option that pins its ports) and `pinned` (None, a range such as "6300-6303", or an int for one port). A
    holder with `fixed` has those ports, and no option that changes them.
    """
    ports: dict[str, tuple[int, ...]] = {}
    problems: list[Problem] = []
    for holder in holders:
        variable, found = holder["variable"], _ports_of(holder)
        if isinstance(found, str):
            problems.append(Problem(variable, holder["pinned"], found, "Give four ports in a row, as in '6300-6303'"))
            continue
        problem = _out_of_range(found)
        if problem:
            problems.append(Problem(variable, holder["pinned"] or _span(found), problem, "Stay within 1 to 65535"))
        else:
            ports[variable] = found
    problems.extend(_overlaps([holder for holder in holders if holder["variable"] in ports], ports))
    return ports, problems


def _ports_of(holder: Holder) -> tuple[int, ...] | str:
    if "fixed" in holder:
        return tuple(holder["fixed"])
    pinned = holder["pinned"]
    if pinned is None:
        return () if holder["role"] == "mysql" else default_ports(holder["role"], holder["index"])
    if holder["role"] in SINGLE:
        return (pinned,)
    return parse_range(pinned)


def _out_of_range(ports: Sequence[int]) -> str | None:
    outside = [port for port in ports if not 1 <= port <= HIGHEST_PORT]
    return f"port {outside[0]} does not exist" if outside else None


def _overlaps(holders: Sequence[Holder], ports: Mapping[str, Sequence[int]]) -> Iterator[Problem]:
    for position, later in enumerate(holders):
        for earlier in holders[:position]:
            shared = sorted(set(ports[later["variable"]]) & set(ports[earlier["variable"]]))
            if shared:
                yield Problem(
                    later["variable"],
                    _span(ports[later["variable"]]),
                    f"{later['role']} {later['name']} and {earlier['role']} {earlier['name']} "
                    f"({earlier['variable']}, {_span(ports[earlier['variable']])}) would both publish port {shared[0]}",
                    "Pin one of them to ports that nothing else on this host uses",
                )


def _span(ports: Sequence[int]) -> str:
    return f"{ports[0]}-{ports[-1]}" if len(ports) > 1 else str(ports[0])
