"""Maintenance of one host: its nodes hand over, stop, and start again."""

from __future__ import annotations

import state
from conftest import COREAPPS, NEXT, lost, no_logs, webapp
from figures import figure
from flow import Flow
from hosts import Hosts
from lab_runs import run
from waiting import wait_for

WEBAPPS = ("master1", "master2")
HANDOVER_LIMIT = 5  # seconds without an accepted message


def states(hosts: Hosts, host: str) -> dict[str, str]:
    return {name: one["state"] for name, one in state.observe(hosts)[host]["containers"].items()}


def test_host_of_the_connected_coreapp_is_stopped_and_started_without_loss(hosts: Hosts) -> None:
    apis = {name: webapp(hosts, name) for name in WEBAPPS}
    wait_for(lambda: apis["master2"].is_healthy(COREAPPS), 60, "the cluster is healthy")
    health = apis["master2"].health()
    (host,) = [name.partition(".")[0] for name, node in health.items() if node.get("gateway_status") == "connected"]
    others = [api for name, api in apis.items() if name != host]
    with Flow(others, no_logs) as flow:
        stopped = run(hosts, "stop.yml", "--limit", host, *NEXT)
    assert stopped.status == 0, stopped.output
    assert {name: one for name, one in states(hosts, host).items() if one != "exited"} == (
        {"waba-db-db-1": "running"} if host == "db1" else {}
    )
    figure(
        f"stop.yml --limit {host}",
        f"{stopped.seconds:.0f} s, longest gap {max(flow.gaps(), default=0):.1f} s, {len(flow.accepted)} accepted",
    )
    assert max(flow.gaps(), default=0) < HANDOVER_LIMIT, "the coreapp hands over before it stops"
    assert lost(hosts, flow) == set()
    started = run(hosts, "start.yml", "--limit", host, *NEXT)
    assert started.status == 0, started.output
    assert set(states(hosts, host).values()) == {"running"}
    wait_for(lambda: others[0].is_healthy(COREAPPS), 60, "the cluster is healthy again")


def test_rolling_restart_loses_no_message(hosts: Hosts) -> None:
    with Flow([webapp(hosts, name) for name in WEBAPPS], no_logs) as flow:
        done = run(hosts, "restart.yml", *NEXT)
    assert done.status == 0, done.output
    figure(
        "restart.yml",
        f"{done.seconds:.0f} s, longest gap {max(flow.gaps(), default=0):.1f} s",
    )
    assert lost(hosts, flow) == set()
