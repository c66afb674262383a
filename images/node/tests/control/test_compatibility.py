"""Expand and contract: who works with which schema, and who stands in the way of a migration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.compatibility import SEEN_LATELY, Migration, RunningNode, blockers, misfit, version_key

REVISIONS = [f"{number:04d}" for number in range(1, 8)]


@st.composite
def histories(draw) -> tuple[list[str], int, int]:
    """The floors of a schema's migrations (each at most its own revision), how many are applied, how many a node knows."""
    floors = [draw(st.sampled_from(REVISIONS[: index + 1])) for index in range(len(REVISIONS))]
    return floors, draw(st.integers(1, len(REVISIONS))), draw(st.integers(1, len(REVISIONS)))


@given(histories())
def test_a_node_works_exactly_when_it_knows_every_floor_and_no_newer_revision_is_missing(history) -> None:
    floors, applied, known = history
    reason = misfit(REVISIONS[applied - 1], floors[:applied], REVISIONS[:known])
    knows_the_floor = max(floors[:applied]) <= REVISIONS[known - 1]
    assert (reason is None) == (known == applied or (known < applied and knows_the_floor))


def test_each_misfit_says_what_to_wait_for() -> None:
    assert misfit(None, [], ["0001"]) == "the schema is not there yet"
    assert (
        misfit("0001", ["0001"], ["0001", "0002"])
        == "the schema is at 0001, this version needs 0002: it waits for the schema's upgrade"
    )
    assert misfit("0003", ["0001", "0003"], ["0001", "0002"]) == (
        "the schema (0003) is for nodes that know revision 0003; this version knows 0002: it is too old"
    )


def test_a_migration_that_was_only_begun_keeps_older_nodes_out() -> None:
    assert "too old" in misfit("0001", ["0001", "0002"], ["0001"])


APPLIED = {"0001": "1.0.0", "0002": "1.1.0"}
OLD, NEWER, NEW = (RunningNode(f"core:{version}", version, 3.0) for version in ("1.0.0", "1.1.0", "1.2.0"))


def test_who_blocks_a_migration() -> None:
    expands, contracts, drops = (Migration("0003", "", oldest) for oldest in ("0001", "0002", "0003"))
    nodes = [OLD, NEWER, NEW]
    assert blockers(expands, APPLIED, nodes, "1.2.0") == []
    assert blockers(contracts, APPLIED, nodes, "1.2.0") == [OLD]
    assert blockers(drops, APPLIED, nodes, "1.2.0") == [OLD, NEWER]


def test_a_node_that_is_long_silent_blocks_nothing() -> None:
    dead = RunningNode("core:dead", "1.0.0", SEEN_LATELY)
    assert blockers(Migration("0003", "", "0003"), APPLIED, [dead], "1.2.0") == []


def test_versions_are_ordered_by_number() -> None:
    assert version_key("1.9.0") < version_key("1.10.0")
    assert version_key("") < version_key("0")
