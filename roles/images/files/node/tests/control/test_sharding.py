"""Which shard a recipient belongs to, and the map drawn anew for another number of shards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.failure_detector import Coreapp
from waba_node.control.ownership import Grant
from waba_node.control.promotion import Demotion, Plan, Redraw, Shard, plan
from waba_node.control.sharding import ALLOWED, BUCKETS, bucket_of, buckets_of, redrawn, refusal, shard_of

RECIPIENTS = st.from_regex(r"\A[0-9]{5,15}\Z")
COUNTS = st.sampled_from(ALLOWED)


@st.composite
def maps(draw: st.DrawFn) -> list[Shard]:
    """Draw a shard map: some rows have an owner, some owners may still be connected."""
    owners = st.one_of(st.none(), st.integers(0, 40).map("c{}".format))
    rows = range(draw(COUNTS))
    return [Shard(shard, draw(owners), "i", draw(st.integers(0, 99)), draw(st.booleans())) for shard in rows]


@given(RECIPIENTS, COUNTS)
def test_one_shard_serves_a_recipient(recipient: str, shards: int) -> None:
    serving = [shard for shard in range(shards) if Grant(shard, 1, shards).serves(bucket_of(recipient))]
    assert serving == [shard_of(recipient, shards)]


@given(COUNTS)
def test_the_shards_share_out_every_bucket(shards: int) -> None:
    assert sorted(bucket for shard in range(shards) for bucket in buckets_of(shard, shards)) == list(range(BUCKETS))


@given(RECIPIENTS, st.sampled_from(ALLOWED[:-1]))
def test_twice_the_shards_split_each_shard_in_two(recipient: str, shards: int) -> None:
    assert shard_of(recipient, 2 * shards) % shards == shard_of(recipient, shards)


def test_the_hash_never_changes() -> None:
    # Stored messages belong to these shards: another hash would split conversations.
    assert [shard_of(str(491510000000 + n), 32) for n in range(8)] == [9, 24, 1, 22, 1, 16, 11, 30]


def test_recipients_spread_evenly() -> None:
    counts = [0] * 32
    for n in range(32_000):
        counts[shard_of(str(491510000000 + n), 32)] += 1
    assert 850 < min(counts) <= max(counts) < 1150


@pytest.mark.parametrize(
    ("wanted", "coreapps", "expected"),
    [
        (1, 2, None),
        (4, 5, None),
        (32, 33, None),
        (3, 9, "shards must be one of 1, 2, 4, 8, 16, 32"),
        (0, 9, "shards must be one of 1, 2, 4, 8, 16, 32"),
        (64, 99, "shards must be one of 1, 2, 4, 8, 16, 32"),
        (4, 4, "4 shards need 5 running coreapps, one of them as standby; there are 4"),
    ],
)
def test_a_number_of_shards_is_refused_that_is_not_allowed_or_has_too_few_coreapps(
    wanted: int, coreapps: int, expected: str | None
) -> None:
    assert refusal(wanted, coreapps) == expected


@given(maps(), COUNTS)
def test_a_map_is_redrawn_only_when_no_owner_can_be_connected_and_no_epoch_is_reused(
    rows: list[Shard], shards: int
) -> None:
    drawn = redrawn(rows, shards)
    if not all(row.fenced for row in rows):
        assert drawn is None
        return
    assert drawn is not None
    assert [row.shard for row in drawn] == list(range(shards))
    assert all(row.owner is None and row.fenced for row in drawn)
    assert min(row.epoch for row in drawn) > max(row.epoch for row in rows)


@given(maps(), COUNTS, st.integers(0, 40))
def test_while_another_number_is_wanted_owners_are_demoted_and_no_coreapp_is_promoted(
    rows: list[Shard], wanted: int, standbys: int
) -> None:
    coreapps = {f"c{n}": Coreapp(f"c{n}", "i", 1.0, 1.0, True, (1.0,)) for n in range(standbys)}
    due = plan(rows, coreapps, 5, 30, wanted)
    if wanted == len(rows):
        assert due == plan(rows, coreapps, 5, 30)
        assert due.redraw is None
        return
    owned = [row for row in rows if row.owner is not None]
    assert due.promotions == []
    assert due.demotions == [Demotion(row.shard, row.epoch) for row in owned]
    complete = not owned and all(row.fenced for row in rows)
    assert due.redraw == (Redraw(wanted, tuple(rows)) if complete else None)


def test_without_a_map_nothing_is_planned() -> None:
    assert plan([], {}, 5, 30, 2) == Plan([], [], None)
