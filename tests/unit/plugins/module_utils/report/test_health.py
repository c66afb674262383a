# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.report.health import judge, lags_of, nodes_of, served
from hypothesis import given
from hypothesis import strategies as st


def cluster(*nodes):
    return nodes_of({f"node{number}:0123456789ab": node for number, node in enumerate(nodes)})


def node(role, status="disconnected", **more):
    return {"role": role, "gateway_status": status, **more}


PRIMARY, SECONDARY = node("primary_master"), node("secondary_master")
CONNECTED, SPARE = node("coreapp", "connected"), node("coreapp")


def test_a_whole_cluster_is_healthy():
    reasons, summary = judge(cluster(PRIMARY, SECONDARY, CONNECTED, SPARE), masters=2, coreapps=2, shards=1)
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
def test_what_is_not_healthy_is_told(nodes, reason):
    assert reason in judge(cluster(*nodes), masters=2, coreapps=2, shards=1)[0]


def test_with_shards_the_primary_master_is_connected_too():
    nodes = [SECONDARY, CONNECTED, CONNECTED, SPARE]
    assert judge(cluster(PRIMARY, *nodes), 2, 3, 2)[0] == ["the primary master is not connected"]
    assert judge(cluster(node("primary_master", "connected"), *nodes), 2, 3, 2)[0] == []


def test_a_vendors_client_waits_for_its_registration():
    unregistered = node("coreapp", "unregistered")
    reasons, summary = judge(cluster(PRIMARY, SECONDARY, unregistered, unregistered), 2, 2, 1)
    assert (reasons, "awaiting registration" in summary) == ([], True)
    assert judge(cluster(PRIMARY, SECONDARY, unregistered, CONNECTED), 2, 2, 1)[0] != []
    reasons, summary = judge(cluster(SECONDARY, SECONDARY, unregistered, unregistered), 2, 2, 1)
    assert "0 primary masters, not 1" in reasons
    assert summary.startswith("Not healthy")


def test_a_single_nodes_answer_is_healthy_outside_a_cluster_alone():
    single = nodes_of({"gateway_status": "connected"})
    assert judge(single, masters=0, coreapps=1, shards=1)[0] == []
    assert judge(single, masters=2, coreapps=2, shards=1)[0] != []
    assert judge(nodes_of({"gateway_status": "connecting"}), masters=0, coreapps=1, shards=1)[0] != []


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
def test_healthy_is_never_two_primaries_too_many_connected_or_an_unreachable_node(nodes, masters, coreapps):
    reasons, summary = judge(cluster(*nodes), masters, coreapps, 1)
    assert summary.startswith("Not healthy" if reasons else "Healthy")
    if not reasons:
        assert not any(one["errors"] for one in nodes)
        roles = [one["role"] for one in nodes]
        assert (roles.count("primary_master"), roles.count("secondary_master")) == (1, masters - 1)
        statuses = [one["gateway_status"] for one in nodes if one["role"] == "coreapp"]
        assert sorted(statuses) in (["connected"] + ["disconnected"] * (coreapps - 1), ["unregistered"] * coreapps)


def test_with_how_many_shards_it_would_be_healthy():
    several = [node("primary_master", "connected"), SECONDARY, CONNECTED, CONNECTED, SPARE]
    assert served(cluster(*several), 2, 3) == 2
    assert served(cluster(PRIMARY, SECONDARY, CONNECTED, SPARE, SPARE), 2, 3) == 1
    assert served(cluster(PRIMARY, SECONDARY, SPARE, SPARE, SPARE), 2, 3) == 0
    assert served(cluster(SECONDARY, CONNECTED, SPARE), 2, 2) == 0


def test_one_coreapp_too_many_is_not_healthy_whatever_it_does():
    extra = cluster(PRIMARY, CONNECTED, node("coreapp", "connecting"))
    assert judge(extra, 1, 1, 1)[0] == ["2 coreapps are registered, not 1"]


def test_what_waits_is_counted_by_whoever_counted_it():
    counted = {"db_pending_messages": {"data": [{"labels": {}, "value": 3}]}, "db_pending_callbacks": {"data": []}}
    assert lags_of({"master1:c1": {"db": counted}, "wacore1:c2": {}}) == {"messages": 3, "webhooks": 0}
    assert lags_of({"wacore1:c2": {}}) == {}
