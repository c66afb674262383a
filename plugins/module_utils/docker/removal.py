# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an uninstall takes away and what it leaves, each with the reason (rules: ours, by the cluster's label alone)."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.docker.packages import PACKAGES

ENGINES = set(PACKAGES["engine"].values())
IN_USE = "in use by {0}, which is not ours"
ON_REQUEST = {
    "volume": "volumes are removed only on request (waba_wipe_volumes)",
    "image": "images are removed only on request (waba_uninstall_also)",
}


def plan_removal(objects, remove_volumes, keep_volumes, remove_images=False):
    """Decide on everything that carries the cluster's label, and on its images.

    objects: {"containers": [...], "networks": [...], "volumes": [...], "images": [...]}, dicts with `name` and `used_by`, the names of foreign
    containers that use it (containers have none). remove_volumes, remove_images: bool. keep_volumes: names that stay whatever their label,
    since the user declared them external. Returns (list to remove, list to keep) of {"kind", "name"} and, for those kept, "reason"; in order of removal.
    """
    remove = [{"kind": "container", "name": container["name"]} for container in objects["containers"]]
    keep = []
    asked = {"network": True, "volume": remove_volumes, "image": remove_images}
    for kind, wanted in asked.items():
        for item in objects.get(f"{kind}s", []):
            entry, reason = {"kind": kind, "name": item["name"]}, None
            if kind == "volume" and item["name"] in keep_volumes:
                reason = "it is declared external"
            elif not wanted:
                reason = ON_REQUEST[kind]
            elif item["used_by"]:
                reason = IN_USE.format(", ".join(item["used_by"]))
            if reason:
                keep.append({**entry, "reason": reason})
            else:
                remove.append(entry)
    return remove, keep


def kept_outside(volumes, folders, known):
    """Return what never was ours and is not among known: external volumes and folders that are there, as {"kind", "name", "reason"}.

    volumes: list of names. folders: {path: names of foreign containers that mount it (list of str)}, which the row of a folder has as "used_by".
    """
    named = {item["name"] for item in known}
    return [
        *(
            {"kind": "volume", "name": name, "reason": "it is declared external"}
            for name in volumes
            if name not in named
        ),
        *(
            {"kind": "folder", "name": path, "reason": _folder_stays(users), "used_by": users}
            for path, users in folders.items()
        ),
    ]


def _folder_stays(users):
    if users:
        return IN_USE.format(", ".join(users))
    return "it is a folder of the host, mounted into containers"


def why_docker_stays(noted, removable, containers, volumes):
    """Return why Docker itself must not be removed (str), or "" when it may go.

    noted: packages (list of str) that came when the collection installed something of Docker. removable: those of them that nothing else on the host
    needs. containers, volumes: names (list of str) of what the engine holds, whosever they are.
    """
    if not set(noted) & ENGINES:
        return "the collection did not install it"
    held = [f"the container {name}" for name in containers] + [f"the volume {name}" for name in volumes]
    if held:
        return f"it holds {', '.join(held)}"
    return "" if set(removable) & ENGINES else "packages of others need it"
