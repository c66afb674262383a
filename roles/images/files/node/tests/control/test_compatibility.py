"""Expand and contract: which nodes work with which schema, and which nodes block a migration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.compatibility import RUNNING, Migration, RunningNode, blockers, incompatibility, version_key

REVISIONS = [f"{number:04d}" for number in range(1, 8)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], int, int]:
    """Draw the floors of a schema's migrations (each at most its own revision), how many are applied, and how many a node knows."""
    floors = [draw(st.sampled_from(REVISIONS[: index + 1])) for index in range(len(REVISIONS))]
    return floors, draw(st.integers(1, len(REVISIONS))), draw(st.integers(1, len(REVISIONS)))


@given(histories())
def test_a_node_works_exactly_when_it_knows_every_floor_and_no_newer_revision_is_missing(
    history: tuple[list[str], int, int],
) -> None:
    floors, applied, known = history
    reason = incompatibility(REVISIONS[applied - 1], floors[:applied], REVISIONS[:known])
    knows_the_floor = max(floors[:applied]) <= REVISIONS[known - 1]
    assert (reason is None) == (known == applied or (known < applied and knows_the_floor))


def test_each_incompatibility_names_its_remedy() -> None:
    assert incompatibility(None, [], ["0001"]) == "the schema is not there yet"
    assert (
        incompatibility("0001", ["0001"], ["0001", "0002"])
        == "the schema is at 0001, this version needs 0002: it waits for the schema's upgrade"
    )
    assert incompatibility("0003", ["0001", "0003"], ["0001", "0002"]) == (
        "the schema (0003) is for nodes that know revision 0003; this version knows 0002: it is too old"
    )


def test_a_migration_that_was_only_begun_keeps_older_nodes_out() -> None:
    reason = incompatibility("0001", ["0001", "0002"], ["0001"])
    assert reason is not None
    assert "too old" in reason


APPLIED = {"0001": "1.0.0", "0002": "1.1.0"}
OLD, NEWER, NEW = (RunningNode(f"core:{version}", version, 3.0) for version in ("1.0.0", "1.1.0", "1.2.0"))


def test_nodes_that_are_too_old_block_a_migration() -> None:
    expands, contracts, drops = (Migration("0003", "", oldest) for oldest in ("0001", "0002", "0003"))
    nodes = [OLD, NEWER, NEW]
    assert blockers(expands, APPLIED, nodes, "1.2.0") == []
    assert blockers(contracts, APPLIED, nodes, "1.2.0") == [OLD]
    assert blockers(drops, APPLIED, nodes, "1.2.0") == [OLD, NEWER]


def test_a_silent_node_blocks_no_migration() -> None:
    dead = RunningNode("core:dead", "1.0.0", RUNNING)
    assert blockers(Migration("0003", "", "0003"), APPLIED, [dead], "1.2.0") == []


def test_versions_are_ordered_by_number() -> None:
    assert version_key("1.9.0") < version_key("1.10.0")
    assert version_key("") < version_key("0")
