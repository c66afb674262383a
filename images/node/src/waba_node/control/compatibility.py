"""Which versions of the node work with which schema, by expand and contract. Pure.

Every migration says the oldest revision that a node must know to work with the schema afterwards (`oldest_node`). One that only adds names
an older revision than its own; one that takes away what an older node uses names the revision since which nodes do without. The rules are ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

SEEN_LATELY = 120.0  # seconds since its last report for which a node counts as running (it reports every minute)


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


def misfit(current: str | None, floors: Collection[str], known: Sequence[str]) -> str | None:
    """Return why a node cannot work with a schema, or None.

    current: the schema's revision. floors: what its migrations asked for, begun ones included. known: the node's revisions, oldest first.
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

    applied: {revision: version of the node that applied it, "" when nobody wrote that down}. version: of the node that would migrate.
    A node's version stands for what it knows: it knows the revisions that this version or an older one applied.
    """
    since = applied.get(migration.oldest_node)
    return [
        node
        for node in nodes
        if node.silent < SEEN_LATELY
        and node.version != version
        and (since is None or version_key(node.version) < version_key(since))
    ]


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions; text that is no number counts as 0, and "" is older than all."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
