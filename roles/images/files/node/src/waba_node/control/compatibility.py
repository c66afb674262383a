"""Which versions of the node work with which schema, by expand and contract (docs/adr/0008-expand-and-contract-migrations.md). Pure.

Every migration names the oldest revision that a node must know to work with the schema afterwards (`oldest_node`). A migration that only
adds names an older revision than its own. A migration that removes what older nodes use names the revision whose nodes no longer use it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

RUNNING = 120.0  # seconds since its last report for which a node counts as running; it reports every minute


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    revision: str
    title: str
    oldest_node: str


@dataclass(frozen=True)
class RunningNode:
    """A registered node. `silent`: seconds since its last report."""

    name: str
    version: str
    silent: float


def incompatibility(current: str | None, floors: Collection[str], known: Sequence[str]) -> str | None:
    """Return why a node cannot work with a schema, or None.

    current: the schema's revision. floors: the `oldest_node` of its migrations, begun ones included. known: the node's revisions, oldest first.
    """
    if current is None:
        return "the schema is not there yet"
    if needed := sorted(set(floors) - set(known)):
        return f"the schema ({current}) is for nodes that know revision {needed[-1]}; this version knows {known[-1]}: it is too old"
    if current in known and current != known[-1]:
        return f"the schema is at {current}, this version needs {known[-1]}: it waits for the schema's upgrade"
    return None


def blockers(
    migration: Migration, applied: Mapping[str, str], nodes: Collection[RunningNode], version: str
) -> list[RunningNode]:
    """Return the running nodes that would not work after a migration.

    applied: {revision: version of the node that applied it, "" where unrecorded}. version: of the node that would migrate.
    A node knows the revisions that its own version or an older one applied.
    """
    since = applied.get(migration.oldest_node)
    return [
        node
        for node in nodes
        if node.silent < RUNNING
        and node.version != version
        and (since is None or version_key(node.version) < version_key(since))
    ]


def version_key(version: str) -> tuple[int, ...]:
    """Return a key that orders versions. Text without digits counts as 0, and "" is older than every version."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
