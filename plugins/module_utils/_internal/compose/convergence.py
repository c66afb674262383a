# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the actions that make the containers of a Compose project match its file, from any state (docs/adr/0012-live-state-not-handlers.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.services import Aspects, differences
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_ROLE

Containers = Mapping[str, Sequence[Mapping[str, Any]]]  # by service

ACTION_FOR_STATE = {"running": None, "restarting": None, "created": "start", "exited": "start", "paused": "unpause"}


class Action(NamedTuple):
    """One step for one service: `action` is discard, create, recreate, rename, start, unpause, stop or remove; `reason` explains it to operators.

    The action `discard` removes the service's containers in other Compose projects.
    """

    service: str
    action: str
    reason: str


def plan_present(
    wanted: Mapping[str, Aspects],
    existing: Containers,
    selected: Sequence[str] | None = None,
    strays: Containers | None = None,
) -> list[Action]:
    """Return the actions after which every selected service runs as its file defines it; empty if it already does.

    wanted: as from `services.wanted_services`. existing: {service: list of {"id", "state", "aspects", "stale_binds", "name", "compose_name"}}: the
    containers of each service; compose_name is the name that Compose gives to the container.
    selected: services, None for all. A service that is no longer in the file is removed if its role is a selected service's, or if all services are
    selected. No other container is changed.
    strays: {service: list of {"name", "project", "role", "state"}}: containers of the cluster in another Compose project. They share the volumes of the
    file's containers, so they are removed before a container starts.
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
    actions += [action for name in chosen for action in _for_service(name, wanted[name], existing.get(name, []))]
    for name, containers in sorted(existing.items()):
        role = containers[0]["aspects"]["labels"].get(LABEL_ROLE)
        if name not in wanted and (selected is None or role in roles):
            actions.append(Action(name, "remove", "it is no longer in the file"))
    return actions


def _for_service(name: str, wanted: Aspects, containers: Sequence[Mapping[str, Any]]) -> list[Action]:
    if not containers:
        return [Action(name, "create", "it has no container")]
    if len(containers) > 1:
        return [Action(name, "recreate", f"it has {len(containers)} containers, left by an interrupted run")]
    changed = differences(wanted, containers[0]["aspects"], containers[0]["stale_binds"])
    if changed:
        return [Action(name, "recreate", f"changed: {', '.join(changed)}")]
    found = containers[0]
    action = ACTION_FOR_STATE.get(found["state"], "recreate")
    actions = [Action(name, action, f"it is {found['state']}")] if action else []
    # Compose creates the new container under a temporary name, and renames it after the old container is removed.
    if found["name"] != found["compose_name"] and action != "recreate":
        actions.insert(0, Action(name, "rename", f"an interrupted run left it as {found['name']}"))
    return actions


def plan_stopped(
    wanted: Mapping[str, Aspects],
    existing: Containers,
    selected: Sequence[str] | None = None,
    strays: Containers | None = None,
) -> list[Action]:
    """Return the actions that stop every selected service that runs; arguments as for `plan_present`."""
    chosen = list(wanted) if selected is None else selected
    running = {
        name: [
            one["state"]
            for one in [*existing.get(name, []), *(strays or {}).get(name, [])]
            if one["state"] in ("running", "restarting", "paused")
        ]
        for name in chosen
    }
    return [Action(name, "stop", f"it is {states[0]}") for name, states in running.items() if states]


def missing_images(actions: Iterable[Action], images: Mapping[str, str], image_facts: Mapping[str, Any]) -> list[str]:
    """Return the sorted names of the images that the actions need and the host lacks.

    images: {service: image name}. image_facts: {image name: facts} of the images of the host.
    """
    needed = {images[action.service] for action in actions if action.action in ("create", "recreate")}
    return sorted(needed - set(image_facts))


def action_diff(
    actions: Iterable[Action], existing: Containers, images: Mapping[str, str], strays: Containers | None = None
) -> dict[str, dict[str, Any]]:
    """Return the Ansible diff of the actions: state and image of each service before and after, without its environment."""
    after_states = {"stop": "exited", "remove": "absent"}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, action, reason in actions:
        if action == "discard":
            for one in (strays or {}).get(name, []):
                before[one["name"]], after[one["name"]] = {"state": one["state"]}, {"state": "absent", "why": reason}
            continue
        containers = existing.get(name, [])
        first: Mapping[str, Any] = containers[0] if containers else {"id": "", "state": "absent", "image": None}
        before[name] = {"state": first["state"], "image": first["image"], "container": first["id"][:12] or None}
        same = first["id"][:12] or None if action in ("rename", "start", "unpause", "stop") else None
        image = None if action == "remove" else images.get(name, first["image"])
        after[name] = {
            "state": after_states.get(action, "running"),
            "image": image,
            "container": same or ("(new)" if action in ("create", "recreate") else None),
            "why": reason,
        }
    return {"before": before, "after": after}
