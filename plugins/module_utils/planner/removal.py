# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an uninstall takes away and what it leaves, each with the reason (rules: ours, by the cluster's label alone)."""

from __future__ import annotations


def plan_removal(objects, remove_volumes, keep_volumes):
    """Decide on everything that carries the cluster's label.

    objects: {"containers": [...], "networks": [...], "volumes": [...]}, dicts with `name` and `used_by`, the names of foreign containers
    that use it (containers have none). remove_volumes: bool. keep_volumes: names that stay whatever their label, since the user declared
    them external. Returns (list to remove, list to keep) of {"kind", "name"} and, for those kept, "reason"; in order of removal.
    """
    remove = [{"kind": "container", "name": container["name"]} for container in objects["containers"]]
    keep = []
    for kind in ("network", "volume"):
        for item in objects[f"{kind}s"]:
            entry, reason = {"kind": kind, "name": item["name"]}, None
            if kind == "volume" and not remove_volumes:
                reason = "volumes are removed only on request"
            elif kind == "volume" and item["name"] in keep_volumes:
                reason = "it is declared external"
            elif item["used_by"]:
                reason = f"in use by {', '.join(item['used_by'])}, which is not ours"
            if reason:
                keep.append({**entry, "reason": reason})
            else:
                remove.append(entry)
    return remove, keep
