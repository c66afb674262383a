# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import (
    assess,
    healthy_shards,
    parse_lags,
    parse_nodes,
)
from hypothesis import given
from hypothesis import strategies as st


def cluster(*nodes: dict[str, Any]) -> list[dict[str, str]]:
    return parse_nodes({f"node{number}:0123456789ab": node for number, node in enumerate(nodes)})


def node(role: str, status: str = "disconnected", **more: Any) -> dict[str, Any]:
    return {"role": role, "gateway_status": status, **more}


PRIMARY, SECONDARY = node("primary_master"), node("secondary_master")
CONNECTED, SPARE = node("coreapp", "connected"), node("coreapp")


def test_a_complete_cluster_is_healthy() -> None:
    reasons, summary = assess(cluster(PRIMARY, SECONDARY, CONNECTED, SPARE), masters=2, coreapps=2, shards=1)
    assert reasons == []
    assert summary == "Healthy: 1 primary and 1 secondary masters, 1 of 2 coreapps connected, 1 standing by."


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ((SECONDARY, SECONDARY, CONNECTED, SPARE), "0 primary masters, not 1"),
        ((PRIMARY, PRIMARY, CONNECTED, SPARE), "2 primary masters, not 1"),
        ((PRIMARY, CONNECTED, SPARE), "0 secondary masters, not 1"),
        ((PRIMARY, SECONDARY, SPARE, SPARE), "0 coreapps connected, not 1"),
        ((PRIMARY, SECONDARY, CONNECTED, CONNECTED), "2 coreapps connected, not 1"),
        ((PRIMARY, SECONDARY, CONNECTED), "0 coreapps standing by, not 1"),
        ((PRIMARY, SECONDARY, CONNECTED, node("coreapp", "uninitialized")), "0 coreapps standing by, not 1"),
        ((PRIMARY, SECONDARY, CONNECTED, node("coreapp", errors=[{"details": "no answer"}])), "node3: no answer"),
        ((PRIMARY, SECONDARY, CONNECTED, node("coreapp", errors=[{"code": 1014}])), "node3: no reason given"),
        ((PRIMARY, SECONDARY, CONNECTED, node("coreapp", errors=["away"])), "node3: away"),
    ],
)
def test_an_unhealthy_cluster_has_reasons(nodes: tuple[dict[str, Any], ...], reason: str) -> None:
    assert reason in assess(cluster(*nodes), masters=2, coreapps=2, shards=1)[0]


def test_the_primary_master_is_connected_with_several_shards() -> None:
    nodes = [SECONDARY, CONNECTED, CONNECTED, SPARE]
    assert assess(cluster(PRIMARY, *nodes), 2, 3, 2)[0] == ["the primary master is not connected"]
    assert assess(cluster(node("primary_master", "connected"), *nodes), 2, 3, 2)[0] == []


def test_coreapps_that_all_await_registration_are_healthy() -> None:
    unregistered = node("coreapp", "unregistered")
    reasons, summary = assess(cluster(PRIMARY, SECONDARY, unregistered, unregistered), 2, 2, 1)
    assert (reasons, "awaiting registration" in summary) == ([], True)
    assert assess(cluster(PRIMARY, SECONDARY, unregistered, CONNECTED), 2, 2, 1)[0] != []
    reasons, summary = assess(cluster(SECONDARY, SECONDARY, unregistered, unregistered), 2, 2, 1)
    assert "0 primary masters, not 1" in reasons
    assert summary.startswith("Not healthy")


def test_the_answer_of_a_single_node_is_healthy_outside_a_cluster_only() -> None:
    single = parse_nodes({"gateway_status": "connected"})
    assert assess(single, masters=0, coreapps=1, shards=1)[0] == []
    assert assess(single, masters=2, coreapps=2, shards=1)[0] != []
    assert assess(parse_nodes({"gateway_status": "connecting"}), masters=0, coreapps=1, shards=1)[0] != []


@given(
    st.lists(
        st.builds(
            node,
            st.sampled_from(["primary_master", "secondary_master", "coreapp", ""]),
            st.sampled_from(["connected", "connecting", "disconnected", "uninitialized", "unregistered"]),
            errors=st.sampled_from([[], [], [{}], None]),
        ),
        max_size=8,
    ),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_a_healthy_cluster_has_one_primary_and_one_connected_coreapp(
    nodes: list[dict[str, Any]], masters: int, coreapps: int
) -> None:
    reasons, summary = assess(cluster(*nodes), masters, coreapps, 1)
    assert summary.startswith("Not healthy" if reasons else "Healthy")
    if not reasons:
        assert not any(one["errors"] for one in nodes)
        roles = [one["role"] for one in nodes]
        assert (roles.count("primary_master"), roles.count("secondary_master")) == (1, masters - 1)
        statuses = [one["gateway_status"] for one in nodes if one["role"] == "coreapp"]
        assert sorted(statuses) in (["connected"] + ["disconnected"] * (coreapps - 1), ["unregistered"] * coreapps)


def test_the_number_of_shards_with_which_a_cluster_is_healthy() -> None:
    several = [node("primary_master", "connected"), SECONDARY, CONNECTED, CONNECTED, SPARE]
    assert healthy_shards(cluster(*several), 2, 3) == 2
    assert healthy_shards(cluster(PRIMARY, SECONDARY, CONNECTED, SPARE, SPARE), 2, 3) == 1
    assert healthy_shards(cluster(PRIMARY, SECONDARY, SPARE, SPARE, SPARE), 2, 3) == 0
    assert healthy_shards(cluster(SECONDARY, CONNECTED, SPARE), 2, 2) == 0


def test_a_surplus_coreapp_is_unhealthy() -> None:
    extra = cluster(PRIMARY, CONNECTED, node("coreapp", "connecting"))
    assert assess(extra, 1, 1, 1)[0] == ["2 coreapps are registered, not 1"]


def test_lags_are_read_from_the_nodes_that_counted_them() -> None:
    counted = {"db_pending_messages": {"data": [{"labels": {}, "value": 3}]}, "db_pending_callbacks": {"data": []}}
    assert parse_lags({"master1:c1": {"db": counted}, "wacore1:c2": {}}) == {"messages": 3, "webhooks": 0}
    assert parse_lags({"wacore1:c2": {}}) == {}
