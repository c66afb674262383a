# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between a host and its inventory, from the planned and the observed files and services. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.convergence import Action

UNKNOWN = "it is not in the inventory"

Service = dict[str, Any]


class FileState(NamedTuple):
    """A file of the host: its text, its mode and the id of its owner."""

    text: str
    mode: int
    owner: int


def file_drift(
    wanted: Mapping[str, tuple[str, int]], found: Mapping[str, tuple[str, int, int]], owner: int
) -> dict[str, str]:
    """Return {file name: difference} for the files that differ from the inventory.

    wanted: {name: (text, mode)} as from `host_files.host_files`. found: {name: FileState} of the existing files. owner: the id of the wanted owner.
    """
    drift = {name: "it is missing" for name in wanted if name not in found}
    for name, values in found.items():
        state = FileState(*values)
        if name not in wanted:
            drift[name] = UNKNOWN
        elif state.text != wanted[name][0]:
            drift[name] = "it differs from the inventory"
        elif (state.mode, state.owner) != (wanted[name][1], owner):
            drift[name] = f"its mode is {state.mode:04o} and its owner {state.owner}"
    return drift


def service_drift(
    planned: Iterable[Mapping[str, Any]], observed: Iterable[Service], actions: Iterable[Action]
) -> list[Service]:
    """Return the services of a host, planned ones first: the observation of each with `drift`, a list of its differences.

    planned: nodes as from `nodes.plan_nodes`. observed: as from `compose.io.live_nodes.observed`. actions: the steps that would make the containers what
    the host's files define.
    """
    found = {node["service"]: node for node in observed}
    roles = {node["name"]: node["role"] for node in planned}
    actions = list(actions)
    return [
        {**found.get(name, _absent(name, roles.get(name, ""))), "drift": _drift(name, found.get(name), roles, actions)}
        for name in [*roles, *(name for name in found if name not in roles)]
    ]


def _drift(name: str, node: Service | None, roles: Mapping[str, str], actions: Iterable[Action]) -> list[str]:
    if name not in roles:
        return [UNKNOWN]
    drift = [action.reason for action in actions if action.service == name and action.action != "remove"]
    if node is None:
        return drift or ["it has no container"]
    if (node["state"], node["health"]) == ("running", "unhealthy"):
        drift.append("it is unhealthy")
    return drift


def _absent(name: str, role: str) -> Service:
    return {
        "service": name,
        "role": role,
        "container": "",
        "image": "",
        "state": "",
        "health": "",
        "second_secrets": False,
    }
