# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.ports_in_use import (
    clashes,
    parse_proc_net,
)

PROC_NET_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:66BF 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 94054 1 000000002088502c 100 0 0 10 0
   1: 0100007F:C350 0100007F:66BF 01 00000000:00000000 00:00000000 00000000     0        0 94115 1 0000000095d73d7e 100 0 0 10 0
"""
PROC_NET_TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:2383 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0
"""


def test_only_listening_sockets_are_returned() -> None:
    assert parse_proc_net(PROC_NET_TCP) == [{"address": "127.0.0.1", "port": 26303, "inode": "94054"}]
    assert parse_proc_net(PROC_NET_TCP6) == [
        {"address": "::", "port": 9090, "inode": "77"},
        {"address": "127.0.0.1", "port": 9091, "inode": "78"},
    ]


def taken(port: int, address: str = "0.0.0.0", will_be_stopped: bool = False) -> dict[str, Any]:
    return {"address": address, "port": port, "by": "python3 (pid 123)", "will_be_stopped": will_be_stopped}


@pytest.mark.parametrize("port", [6250, 6251, 6252, 6253, 6262, 6265, 26300, 26303, 9090])
def test_every_port_of_every_range_is_checked(params: dict[str, Any], port: int) -> None:
    problems, _warnings = clashes(plan_nodes(params), [taken(port)], params)
    assert len(problems) == 1
    assert str(port) in problems[0].problem
    assert "python3 (pid 123)" in problems[0].problem


def test_a_program_that_uses_a_whole_range_is_one_problem(params: dict[str, Any]) -> None:
    problems, _warnings = clashes(plan_nodes(params), [taken(port) for port in range(6254, 6258)], params)
    assert [problem.variable for problem in problems] == ["masters[0].ports"]


@pytest.mark.parametrize(
    ("address", "other", "clash"),
    [
        ("", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "192.0.2.1", False),
    ],
)
def test_a_port_clashes_only_on_overlapping_addresses(
    params: dict[str, Any], address: Any, other: Any, clash: Any
) -> None:
    params["publish_address"] = address
    problems, _warnings = clashes(plan_nodes(params), [taken(6250, other)], params)
    assert bool(problems) == clash


def test_a_container_that_will_be_stopped_is_a_warning(params: dict[str, Any]) -> None:
    problems, warnings = clashes(plan_nodes(params), [taken(9090, will_be_stopped=True)], params)
    assert problems == []
    assert "9090" in warnings[0]


def test_port_of_the_webhook_listener_is_checked_at_its_own_address(params: dict[str, Any]) -> None:
    params.update(webhook_port=9290, webhook_publish_address="127.0.0.1")
    nodes = plan_nodes(params)
    assert clashes(nodes, [taken(9290, "192.0.2.1")], params) == ([], [])
    ((problem,), _warnings) = clashes(nodes, [taken(9290)], params)
    assert (problem.variable, problem.problem) == (
        "webhook_port[0]",
        "port 9290 (webhooks of webapp waweb) is taken by python3 (pid 123)",
    )
