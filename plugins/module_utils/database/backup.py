# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup holds, and when it must not be restored. Pure (rules: ours)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

FORMAT = 1  # raise it when an older collection could not restore what a newer one wrote
MANIFEST = "manifest.json"
DATABASE_MEMBER = "database.sql.gz"
MEDIA_MEMBER = "media.tar"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DUMP_END = b"-- Dump completed"

# One transaction, so that the nodes go on writing meanwhile; neither tablespaces nor locks, which ask for rights that the documented account lacks.
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
# What the nodes of one cluster agreed on among themselves, by the documents' names; they agree anew.
AGREED = ("node_secret", "primary_secret")


def manifest(cluster, facts, members):
    """Return the manifest (dict) of a backup. facts: {"taken_at", "server", "revision", "versions", "tables"}. members: {name: {"sha256", "bytes"}}."""
    return {"format": FORMAT, "cluster": cluster, **facts, "members": members}


def manifest_fault(found):
    """Return why an archive with this manifest (anything that JSON can hold) cannot be restored (str), or None."""
    if not isinstance(found, dict) or not isinstance(found.get("members"), dict):
        return "it is no backup of this collection"
    if not MOMENT.fullmatch(str(found.get("taken_at"))) or not isinstance(found.get("tables"), list):
        return "its manifest is not whole"
    if not isinstance(found.get("format"), int) or found["format"] > FORMAT:
        return f"it has format {found.get('format')}, and this collection knows those up to {FORMAT}: use a newer one"
    return None


def version_key(version):
    """Return what orders versions (str, as in "1.10.0"): the numbers in it."""
    return tuple(int(number) for number in re.findall(r"\d+", version or ""))


def restore_problems(found, state, params):
    """Return everything (list of Problem) that speaks against a restore.

    found: the archive's manifest. state: {"tables": names in the database, "clients": {host: connections}}. params: the module's options.
    """
    problems = []
    newest = max(found.get("versions") or [""], key=version_key)
    if version_key(newest) > version_key(params["version"]):
        problem = f"the backup is of version {newest}, which is newer"
        problems.append(Problem("version", params["version"], problem, "Restore it with that version"))
    if state["tables"] and not params["overwrite"]:
        problem = f"the database {params['database']['name']} holds {len(state['tables'])} tables, which would be lost"
        fix = "Back it up, then set overwrite (waba_restore_overwrite) to true"
        problems.append(Problem("overwrite", False, problem, fix))
    if state["clients"] and not params["connected"]:
        told = ", ".join(f"{host} ({count})" for host, count in sorted(state["clients"].items()))
        problem = f"connections of nodes to the database are open, from {told}"
        fix = "Stop the nodes with the playbook stop.yml, or set connected (waba_restore_connected) to true"
        problems.append(Problem("connected", False, problem, fix))
    return problems


EPOCH_JUMP = 1_000_000  # more promotions than any cluster makes between two backups


def after_restore(epoch, delay):
    """Return the SQL that makes the restored state safe to start from: no node is registered and no shard has an owner.

    Epochs jump, since the upstream refuses an epoch below one that was given out after the backup, and since observations of masters that still
    run become void. No shard is given away before an owner that may still be connected has disconnected. What nodes agreed on is removed:
    otherwise the nodes of a cluster with another secret would refuse each other.

    epoch: int, the highest epoch of the database that is replaced; 0 where there is none. delay: float, for how many seconds one of its owners
    may still be connected, 0 when all have released their shards; None where there is no such database: then the backup's own delays count.
    """
    newer = f"epoch = GREATEST(epoch, {int(epoch)}) + {EPOCH_JUMP}"
    owned = "owner = NULL, incarnation = NULL, renewal = 0"
    waits = "" if delay is None else f"takeover_delay = {float(delay)}, "
    return (  # of numbers alone
        f"UPDATE shard_map SET {owned}, {waits}{newer};\n"  # noqa: S608
        f"UPDATE lease SET {newer}, released_epoch = epoch;\n"
        "DELETE FROM node;\n"
        f"DELETE FROM document WHERE name IN {AGREED};\n"
    )
