# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that an uninstall removes and those that it retains, each with a reason. Only objects with the cluster's label are removed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.packages import PACKAGES

ENGINES = set(PACKAGES["engine"].values())
IN_USE = "in use by {0}, which does not belong to the cluster"
EXTERNAL = "it is declared external"
ON_REQUEST = {
    "volume": "volumes are removed only on request (waba_wipe_volumes)",
    "image": "images are removed only on request (waba_uninstall_also)",
}

Row = dict[str, Any]


def plan_removal(
    objects: Mapping[str, Sequence[Mapping[str, Any]]],
    remove_volumes: bool,
    keep_volumes: Collection[str],
    remove_images: bool = False,
) -> tuple[list[Row], list[Row]]:
    """Decide on every object that carries the cluster's label, and on the cluster's images.

    objects: {"containers": [...], "networks": [...], "volumes": [...], "images": [...]}, each with `name` and, except for containers, `used_by`: the
    names of containers outside the cluster. keep_volumes: volumes that stay even if they carry the label, since they are declared external now.
    Returns (rows to remove in that order, rows to keep) of {"kind", "name"}; rows to keep have a "reason".
    """
    remove: list[Row] = [{"kind": "container", "name": container["name"]} for container in objects["containers"]]
    keep: list[Row] = []
    requested = {"network": True, "volume": remove_volumes, "image": remove_images}
    for kind, is_requested in requested.items():
        for item in objects.get(f"{kind}s", []):
            row: Row = {"kind": kind, "name": item["name"]}
            reason = None
            if kind == "volume" and item["name"] in keep_volumes:
                reason = EXTERNAL
            elif not is_requested:
                reason = ON_REQUEST[kind]
            elif item["used_by"]:
                reason = IN_USE.format(", ".join(item["used_by"]))
            if reason:
                keep.append({**row, "reason": reason})
            else:
                remove.append(row)
    return remove, keep


def external_objects(
    volumes: Iterable[str], folders: Mapping[str, Sequence[str]], known: Iterable[Mapping[str, Any]]
) -> list[Row]:
    """Return rows to keep for external volumes and for folders of the host that containers mount.

    volumes: names; those in known (rows to keep) get no second row. folders: {path: names of containers outside the cluster that mount it}; the row
    of a folder has them as "used_by".
    """
    names = {item["name"] for item in known}
    rows: list[Row] = [{"kind": "volume", "name": name, "reason": EXTERNAL} for name in volumes if name not in names]
    for path, users in folders.items():
        reason = IN_USE.format(", ".join(users)) if users else "it is a folder of the host, mounted into containers"
        rows.append({"kind": "folder", "name": path, "reason": reason, "used_by": users})
    return rows


def docker_blocker(
    noted: Collection[str], removable: Collection[str], containers: Iterable[str], volumes: Iterable[str]
) -> str:
    """Return the reason against removing Docker itself, "" where there is none.

    noted: packages that the collection's installation of Docker added. removable: those of them that no other package needs. containers, volumes: the
    names of all that the engine holds.
    """
    if not ENGINES & set(noted):
        return "the collection did not install it"
    contents = [f"the container {name}" for name in containers] + [f"the volume {name}" for name in volumes]
    if contents:
        return f"it holds {', '.join(contents)}"
    return "" if ENGINES & set(removable) else "other packages need it"
