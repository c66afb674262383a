# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to make the containers of a Compose project what its file says, whatever state they were found in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.compose.services import differences
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_ROLE

ACTION_FOR_STATE = {"running": None, "restarting": None, "created": "start", "exited": "start", "paused": "unpause"}


class Action(NamedTuple):
    """One step for one service: `action` is discard, create, recreate, rename, start, unpause, stop or remove; `reason` is for people.

    A discard removes the service's containers of other Compose projects.
    """

    service: str
    action: str
    reason: str


def plan_present(
    wanted: Mapping[str, Any],
    had: Mapping[str, Sequence[Mapping[str, Any]]],
    selected: Sequence[str] | None = None,
    strays: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Action]:
    """Return the list of Action that makes every selected service exist as wanted and run; empty when nothing is to do.

    wanted: {service: aspects}, see `services.wanted_services`. had: {service: list of {"id", "state", "aspects", "binds_elsewhere", "name",
    "compose_name"}}, containers by service, each with its name and the one that Compose gives it, and what `services.differences` takes.
    selected: list of services, None for all. Services that the file no longer has are removed when their role (all roles, when nothing is
    selected) is one of those selected; no other container is touched.
    strays: {service: list of {"name", "project", "role", "state"}}, containers of the cluster that another Compose project made. They share the
    volumes of the file's containers, so they go before anything starts.
    """
    chosen = list(wanted) if selected is None else selected
    roles = {wanted[name]["labels"].get(LABEL_ROLE) for name in chosen}
    actions = [
        Action(
            name,
            "discard",
            f"{one['name']} belongs to the Compose project {one['project'] or '(none)'}, not to the file's",
        )
        for name, containers in (strays or {}).items()
        for one in containers
        if name in chosen or (name not in wanted and one["role"] in roles)
    ]
    actions += [action for name in chosen for action in _for_service(name, wanted[name], had.get(name, []))]
    for name, containers in sorted(had.items()):
        role = containers[0]["aspects"]["labels"].get(LABEL_ROLE)
        if name not in wanted and (selected is None or role in roles):
            actions.append(Action(name, "remove", "it is no longer in the file"))
    return actions


def _for_service(name: str, wanted: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> list[Action]:
    if not containers:
        return [Action(name, "create", "it has no container")]
    if len(containers) > 1:
        return [Action(name, "recreate", f"it has {len(containers)} containers, left by an interrupted run")]
    changed = differences(wanted, containers[0]["aspects"], containers[0]["binds_elsewhere"])
    if changed:
        return [Action(name, "recreate", f"changed: {', '.join(changed)}")]
    found = containers[0]
    action = ACTION_FOR_STATE.get(found["state"], "recreate")
    actions = [Action(name, action, f"it is {found['state']}")] if action else []
    # Compose makes a container under a name for the moment, and gives it its own once the former one is gone.
    if found["name"] != found["compose_name"] and action != "recreate":
        actions.insert(0, Action(name, "rename", f"an interrupted run left it as {found['name']}"))
    return actions


def plan_stopped(
    wanted: Mapping[str, Any],
    had: Mapping[str, Sequence[Mapping[str, Any]]],
    selected: Sequence[str] | None = None,
    strays: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Action]:
    """Return the list of Action that stops every selected service that runs; arguments as for `plan_present`."""
    chosen = list(wanted) if selected is None else selected
    running = {
        name: [
            one["state"]
            for one in [*had.get(name, []), *(strays or {}).get(name, [])]
            if one["state"] in ("running", "restarting", "paused")
        ]
        for name in chosen
    }
    return [Action(name, "stop", f"it is {states[0]}") for name, states in running.items() if states]


def missing_images(actions: Iterable[Action], images: Mapping[str, str], image_facts: Mapping[str, Any]) -> list[str]:
    """Return the sorted names of images that the actions need and the host lacks.

    images: {service: image name}. image_facts: {image name: ...} of the images that the host has.
    """
    needed = {images[action.service] for action in actions if action.action in ("create", "recreate")}
    return sorted(needed - set(image_facts))


def action_diff(
    actions: Iterable[Action],
    had: Mapping[str, Sequence[Mapping[str, Any]]],
    images: Mapping[str, str],
    strays: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> dict[str, Any]:
    """Return Ansible's diff dict of the actions: per service its state and image before and after. No environment value is in it."""
    after_states = {"stop": "exited", "remove": "absent"}
    before: dict[str, dict[str, Any]] = {}
    after: dict[str, dict[str, Any]] = {}
    for name, action, reason in actions:
        if action == "discard":
            for one in (strays or {}).get(name, []):
                before[one["name"]], after[one["name"]] = {"state": one["state"]}, {"state": "absent", "why": reason}
            continue
        containers = had.get(name, [])
        first: Mapping[str, Any] = containers[0] if containers else {"id": "", "state": "absent", "image": None}
        before[name] = {"state": first["state"], "image": first["image"], "container": first["id"][:12] or None}
        kept = first["id"][:12] or None if action in ("rename", "start", "unpause", "stop") else None
        image = None if action == "remove" else images.get(name, first["image"])
        after[name] = {
            "state": after_states.get(action, "running"),
            "image": image,
            "container": kept or ("(new)" if action in ("create", "recreate") else None),
            "why": reason,
        }
    return {"before": before, "after": after}
