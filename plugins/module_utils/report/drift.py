# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a host is from what the inventory says of it. Pure: what was planned, what was found, and the steps that would bring both together."""

from __future__ import annotations

UNKNOWN = "the inventory does not know it"


def file_drift(wanted, found, owner):
    """Return {file name: what is wrong with it (str)}.

    wanted: {name: (text, mode)}, as from `host_files.host_files`. found: {name: (text, mode, owner id)} of the files that are there. owner: int.
    """
    wrong = {name: "it is not there" for name in wanted if name not in found}
    for name, state in found.items():
        if name not in wanted:
            wrong[name] = UNKNOWN
        elif state[0] != wanted[name][0]:
            wrong[name] = "it is not what the inventory says"
        elif state[1:] != (wanted[name][1], owner):
            wrong[name] = f"its mode is {state[1]:04o} and its owner {state[2]}"
    return wrong


def service_drift(planned, observed, actions):
    """Return the services of a host (list of dict, those that are planned first): as observed, with `drift`, what is wrong (list of str).

    planned: nodes as from `nodes.plan_nodes`. observed: as from `compose.io.live_nodes.observed`. actions: list of `convergence.Action`, what would be done to
    make the containers what the host's files say.
    """
    found = {node["service"]: node for node in observed}
    names = [node["name"] for node in planned]
    rows = []
    for name in [*names, *(name for name in found if name not in names)]:
        role = next((node["role"] for node in planned if node["name"] == name), "")
        node = found.get(name) or {
            "service": name,
            "role": role,
            "container": "",
            "image": "",
            "state": "",
            "health": "",
        }
        drift = [action.reason for action in actions if action.service == name and action.action != "remove"]
        if name not in names:
            drift = [UNKNOWN]
        elif name not in found:
            drift.append("it has no container")
        elif (node["state"], node["health"]) == ("running", "unhealthy"):
            drift.append("it is unhealthy")
        rows.append({**node, "drift": drift})
    return rows
