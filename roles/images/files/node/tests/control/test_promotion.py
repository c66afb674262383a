"""Which coreapps are unhealthy by the two monitors, and what the primary master then does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.control.failure_detector import Coreapp, ready, unhealthy
from waba_node.control.promotion import Demotion, Plan, Promotion, Shard, plan

HEARTBEAT, UNHEALTHY = 5.0, 30.0
SECONDS = st.sampled_from([0.0, 4.0, 29.9, 30.0, 60.0, 119.0, 121.0])


def coreapp(
    name: str,
    silent: float = 1.0,
    unanswered: float = 1.0,
    answers: bool = True,
    peers: Sequence[float] = (1.0,),
    incarnation: str = "i",
) -> Coreapp:
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
def test_either_monitor_makes_a_coreapp_unhealthy(seen: dict[str, Any], expected: bool) -> None:
    assert unhealthy(coreapp("c", **seen), UNHEALTHY) is expected


@given(MAPS, COREAPPS)
def test_no_promotion_breaks_a_rule(shards: list[Shard], coreapps: dict[str, Coreapp]) -> None:
    promotions, demotions, _redraw = plan(shards, coreapps, HEARTBEAT, UNHEALTHY)
    rows = {row.shard: row for row in shards}
    retained = {
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
        assert row.owner not in retained, "a healthy owner keeps its shard"
        assert promotion.node not in retained, "an owner gets no second shard"
        assert promotion.counter == row.counter
        assert ready(coreapps[promotion.node], HEARTBEAT, UNHEALTHY)
        assert promotion.incarnation == coreapps[promotion.node].incarnation
    for demotion in demotions:
        row = rows[demotion.shard]
        assert row.owner is not None
        assert unhealthy(coreapps[row.owner], UNHEALTHY), "only an unhealthy owner loses its shard"
        assert not row.fenced, "a fenced owner is replaced at once"
        assert demotion.epoch == row.epoch
    standbys = [name for name, one in coreapps.items() if name not in retained and ready(one, HEARTBEAT, UNHEALTHY)]
    assert len(promotions) + len(demotions) <= len(standbys), "no shard is taken without a standby to take it over"


@given(MAPS, COREAPPS)
def test_every_free_shard_is_given_to_a_standby(shards: list[Shard], coreapps: dict[str, Coreapp]) -> None:
    promotions, *_others = plan(shards, coreapps, HEARTBEAT, UNHEALTHY)
    promoted = {promotion.shard for promotion in promotions}
    free = [row for row in shards if row.owner is None and row.fenced and row.shard not in promoted]
    used = {promotion.node for promotion in promotions} | {row.owner for row in shards}
    standbys = [one for name, one in coreapps.items() if name not in used and ready(one, HEARTBEAT, UNHEALTHY)]
    assert not (free and standbys)


def test_a_restarted_owner_is_a_standby_like_any_other() -> None:
    shards = [Shard(0, "c0", "before", 7, fenced=True, renewal=3)]
    promotions, *_others = plan(shards, {"c0": coreapp("c0", incarnation="after")}, HEARTBEAT, UNHEALTHY)
    assert promotions == [Promotion(0, "c0", "after", (7, 3))]


def test_a_former_process_of_an_owner_blocks_no_shard() -> None:
    shards = [Shard(0, "c0", "before", 7, fenced=True), Shard(1, "c0", "i", 3, fenced=False)]
    (promotion,), *_others = plan(shards, {"c0": coreapp("c0"), "c1": coreapp("c1")}, HEARTBEAT, UNHEALTHY)
    assert (promotion.shard, promotion.node) == (0, "c1")


@pytest.mark.parametrize(
    ("owner", "standby", "expected"),
    [
        ({"unanswered": 30, "peers": (30,)}, {}, [Demotion(0, 7)]),
        ({"silent": 121}, {}, [Demotion(0, 7)]),
        ({"unanswered": 30, "peers": (30,)}, {"answers": False}, []),  # no standby could take over
        ({}, {}, []),
        ({"incarnation": "after"}, {}, []),  # its process has ended, so no renewal comes
    ],
)
def test_an_unhealthy_owner_that_still_renews_is_demoted_once_a_standby_can_take_over(
    owner: dict[str, Any], standby: dict[str, Any], expected: list[Demotion]
) -> None:
    shards = [Shard(0, "c0", "i", 7, fenced=False)]
    found = plan(shards, {"c0": coreapp("c0", **owner), "c1": coreapp("c1", **standby)}, HEARTBEAT, UNHEALTHY)
    assert found == Plan([], expected)
