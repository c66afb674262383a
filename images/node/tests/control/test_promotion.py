"""Who is unhealthy by the seed's two monitors, and what the primary master then does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.lease import Lease, life
from waba_node.control.ownership import DRIFT
from waba_node.control.promotion import Coreapp, Demotion, Plan, Shard, plan, ready, unhealthy

HEARTBEAT, UNHEALTHY = 5.0, 30.0
SECONDS = st.sampled_from([0.0, 4.0, 29.9, 30.0, 60.0, 119.0, 121.0])


def coreapp(name, silent=1.0, unanswered=1.0, answers=True, peers=(1.0,), incarnation="i"):
    return Coreapp(name, incarnation, silent, unanswered, answers, tuple(peers))


NAMES = [f"c{number}" for number in range(6)]
COREAPPS = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(SECONDS, SECONDS, st.booleans(), st.lists(SECONDS, max_size=2), st.sampled_from("ij")),
).map(lambda found: {name: coreapp(name, *facts) for name, facts in found.items()})
MAPS = st.lists(
    st.tuples(st.sampled_from([None, *NAMES]), st.integers(0, 9), st.booleans()),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row[0] or object(),
).map(
    lambda rows: [
        Shard(number, owner, owner and "i", epoch, fenced) for number, (owner, epoch, fenced) in enumerate(rows)
    ]
)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"unanswered": 29.9, "peers": (60,)}, False),
        ({"unanswered": 30, "peers": (29.9,)}, False),
        ({"unanswered": 30, "peers": (30,)}, True),
        ({"unanswered": 30, "peers": (1, 30)}, True),
        ({"unanswered": 300, "peers": ()}, False),  # one master alone: the database decides
        ({"silent": 120, "peers": ()}, False),
        ({"silent": 120.1, "peers": ()}, True),
        ({"silent": 120.1, "unanswered": 0, "peers": (0,)}, True),
    ],
)
def test_both_monitors_as_the_seed_has_them(seen, expected):
    assert unhealthy(coreapp("c", **seen), UNHEALTHY) is expected


@given(MAPS, COREAPPS)
def test_no_promotion_breaks_a_rule(shards, coreapps):
    promotions, demotions, _redraw = plan(shards, coreapps, HEARTBEAT, UNHEALTHY)
    rows = {row.shard: row for row in shards}
    kept = {
        row.owner
        for row in shards
        if row.owner in coreapps
        and coreapps[row.owner].incarnation == row.incarnation
        and not unhealthy(coreapps[row.owner], UNHEALTHY)
    }
    chosen = [promotion.node for promotion in promotions]
    assert len(chosen) == len(set(chosen)), "one coreapp, one shard"
    for promotion in promotions:
        row = rows[promotion.shard]
        assert row.fenced, "the last owner can no longer be connected"
        assert row.owner not in kept, "a healthy owner keeps its shard"
        assert promotion.node not in kept, "who owns a shard gets no second one"
        assert promotion.epoch == row.epoch
        assert ready(coreapps[promotion.node], HEARTBEAT, UNHEALTHY)
        assert promotion.incarnation == coreapps[promotion.node].incarnation
    for demotion in demotions:
        row = rows[demotion.shard]
        assert unhealthy(coreapps[row.owner], UNHEALTHY), "nobody else loses a shard"
        assert not row.fenced, "who is fenced is replaced at once"
        assert demotion.epoch == row.epoch
    spares = [name for name, one in coreapps.items() if name not in kept and ready(one, HEARTBEAT, UNHEALTHY)]
    assert len(promotions) + len(demotions) <= len(spares), "no shard is taken without somebody to take it over"


@given(MAPS, COREAPPS)
def test_every_free_shard_is_served_while_spares_last(shards, coreapps):
    promotions, *_others = plan(shards, coreapps, HEARTBEAT, UNHEALTHY)
    promoted = {promotion.shard for promotion in promotions}
    free = [row for row in shards if row.owner is None and row.fenced and row.shard not in promoted]
    used = {promotion.node for promotion in promotions} | {row.owner for row in shards}
    spares = [one for name, one in coreapps.items() if name not in used and ready(one, HEARTBEAT, UNHEALTHY)]
    assert not (free and spares)


def test_a_restarted_owner_is_a_spare_like_any_other():
    shards = [Shard(0, "c0", "before", 7, fenced=True)]
    (promotion,), *_others = plan(shards, {"c0": coreapp("c0", incarnation="after")}, HEARTBEAT, UNHEALTHY)
    assert (promotion.node, promotion.incarnation, promotion.epoch) == ("c0", "after", 7)


def test_a_former_life_of_an_owner_blocks_no_shard():
    shards = [Shard(0, "c0", "before", 7, fenced=True), Shard(1, "c0", "i", 3, fenced=False)]
    (promotion,), *_others = plan(shards, {"c0": coreapp("c0"), "c1": coreapp("c1")}, HEARTBEAT, UNHEALTHY)
    assert (promotion.shard, promotion.node) == (0, "c1")


@pytest.mark.parametrize(
    ("owner", "spare", "expected"),
    [
        ({"unanswered": 30, "peers": (30,)}, {}, [Demotion(0, 7)]),
        ({"silent": 121}, {}, [Demotion(0, 7)]),
        ({"unanswered": 30, "peers": (30,)}, {"answers": False}, []),  # nobody could take over
        ({}, {}, []),
        ({"incarnation": "after"}, {}, []),  # its process is dead, so its fence passes by itself
    ],
)
def test_an_unhealthy_owner_that_still_proves_itself_is_demoted_once_another_can_take_over(owner, spare, expected):
    shards = [Shard(0, "c0", "i", 7, fenced=False)]
    found = plan(shards, {"c0": coreapp("c0", **owner), "c1": coreapp("c1", **spare)}, HEARTBEAT, UNHEALTHY)
    assert found == Plan([], expected)


@given(st.floats(0, 100), st.integers(1, 60), st.integers(2, 120), st.floats(0, 200))
def test_a_master_stops_acting_before_its_lease_ends_on_any_honest_clock(sent_at, heartbeat, unhealthy_interval, now):
    seconds = life(heartbeat, unhealthy_interval)
    lease = Lease()
    lease.granted(1, sent_at, seconds)
    if lease.held(now):
        assert (now - sent_at) * (1 + DRIFT) < seconds
    lease.refused(now, seconds)
    assert not lease.held(now)


@given(st.floats(0, 100))
def test_a_lease_is_renewed_well_within_its_life(sent_at):
    lease = Lease()
    lease.granted(1, sent_at, 3.0)
    assert not lease.due(sent_at + 0.9)
    assert lease.due(sent_at + 1.1)
    assert lease.held(sent_at + 1.1)
