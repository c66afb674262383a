# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Content of a backup, and the conditions for restoring it. docs/adr/0022-backup-format.md"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

FORMAT = 1  # increase it when an older collection can no longer restore what a newer one writes
MANIFEST = "manifest.json"
DATABASE_MEMBER = "database.sql.gz"
MEDIA_MEMBER = "media.tar"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DUMP_END = "-- Dump completed"

# One transaction, so that the nodes can continue to write. Tablespaces and locks need privileges that the account lacks.
DUMP_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--hex-blob",
    "--default-character-set=utf8mb4",
    "--no-tablespaces",
    "--skip-add-locks",
)
# Documents with secrets that the nodes of one cluster negotiate. They are not restored; the nodes negotiate them again.
NEGOTIATED_DOCUMENTS = ("node_secret", "primary_secret")


def manifest(cluster: str, facts: dict[str, Any], members: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest of a backup.

    facts: {"taken_at", "server", "revision", "versions", "tables"}. members: {name: {"sha256", "bytes"}}.
    """
    return {"format": FORMAT, "cluster": cluster, **facts, "members": members}


def manifest_problem(found: Any) -> str | None:
    """Return why an archive with this manifest (parsed JSON) cannot be restored, or None."""
    if not isinstance(found, dict) or not isinstance(found.get("members"), dict):
        return "it is not a backup of this collection"
    if not TIMESTAMP.fullmatch(str(found.get("taken_at"))) or not isinstance(found.get("tables"), list):
        return "its manifest is incomplete"
    if not isinstance(found.get("format"), int) or found["format"] > FORMAT:
        return f"it has format {found.get('format')}, and this collection supports up to {FORMAT}: use a newer one"
    return None


def version_key(version: str | None) -> tuple[int, ...]:
    """Return the sort key of a version such as "1.10.0": the numbers in it."""
    return tuple(int(number) for number in re.findall(r"\d+", version or ""))


def restore_problems(found: dict[str, Any], state: dict[str, Any], params: dict[str, Any]) -> list[Problem]:
    """Return the reasons not to restore.

    found: the manifest. state: {"tables": names in the database, "clients": {host: connections}}. params: of the module restore.
    """
    problems = []
    newest = max(found.get("versions") or [""], key=version_key)
    if version_key(newest) > version_key(params["version"]):
        problem = f"the backup is of version {newest}, which is newer"
        problems.append(Problem("version", params["version"], problem, f"Restore it with version {newest}"))
    if state["tables"] and not params["overwrite"]:
        problem = (
            f"the database {params['database']['name']} contains {len(state['tables'])} tables, which would be lost"
        )
        fix = "Back up the database, then set overwrite (waba_restore_overwrite) to true"
        problems.append(Problem("overwrite", False, problem, fix))
    if state["clients"] and not params["connected"]:
        clients = ", ".join(f"{host} ({count})" for host, count in sorted(state["clients"].items()))
        problem = f"nodes are connected to the database, from {clients}"
        fix = "Stop the nodes with the playbook stop.yml, or set connected (waba_restore_connected) to true"
        problems.append(Problem("connected", False, problem, fix))
    return problems


EPOCH_JUMP = 1_000_000  # more promotions than any cluster makes between two backups


def after_restore(epoch: int | str, delay: float | str | None) -> str:
    """Return the SQL that makes a restored database safe to start from.

    - No node is registered, and no shard has an owner. A shard gets a new owner only after its takeover delay, in which an owner
      of the replaced database disconnects.
    - Epochs jump: the upstream refuses an epoch below one that was issued after the backup, and what masters that still run have
      observed becomes void.
    - Secrets that nodes negotiate are deleted, because nodes with another secret refuse each other.

    epoch: the highest epoch of the replaced database; 0 if there is none. delay: seconds for which one of its owners may still be
    connected, 0 if all owners released their shards; None if there is no such database, and the delays of the backup apply.
    """
    newer = f"epoch = GREATEST(epoch, {int(epoch)}) + {EPOCH_JUMP}"
    owned = "owner = NULL, incarnation = NULL, renewal = 0"
    takeover = "" if delay is None else f"takeover_delay = {float(delay)}, "
    return (  # contains only numbers
        f"UPDATE shard_map SET {owned}, {takeover}{newer};\n"  # noqa: S608
        f"UPDATE lease SET {newer}, released_epoch = epoch;\n"
        "DELETE FROM node;\n"
        f"DELETE FROM document WHERE name IN {NEGOTIATED_DOCUMENTS};\n"
    )
