# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Content of a backup, and the conditions for restoring it. docs/adr/0022-backup-format.md"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

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

    found: the manifest. state: of the database, as from the module node_database_info. params: of the module restore.
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
