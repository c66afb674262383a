# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import node_command
from ansible_collections.waba.cluster.plugins.modules import cluster_node


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """(cluster, argument...) of every command of the node; one node is on the list."""
    received: list[tuple[str, ...]] = []

    def run_command(*arguments: str) -> dict[str, list[str]]:
        received.append(arguments)
        return {"nodes": ["node4.test:c1"]}

    monkeypatch.setattr(node_command, "run", run_command)
    return received


@pytest.mark.parametrize("name", ["node4'; DROP TABLE node; --", "", "two words", "node4\\", "--dry-run"])
def test_an_invalid_host_name_is_refused_before_any_command(
    run: Callable[..., dict], commands: list[tuple[str, ...]], name: str
) -> None:
    answer = run(cluster_node, hostnames=["node4.test", name])
    assert answer["failed"]
    assert commands == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_nodes_of_the_named_hosts_are_deleted_except_in_check_mode(
    run: Callable[..., dict], commands: list[tuple[str, ...]], check_mode: bool
) -> None:
    answer = run(cluster_node, check_mode=check_mode, hostnames=["node4.test", "10.0.0.4"])
    assert (answer["changed"], answer["nodes"]) == (True, ["node4.test:c1"])
    options = ["--dry-run"] if check_mode else []
    assert commands == [("waba", "forget-nodes", *options, "node4.test", "10.0.0.4")]


def test_without_host_names_nothing_changes(run: Callable[..., dict], commands: list[tuple[str, ...]]) -> None:
    assert run(cluster_node, hostnames=[])["changed"] is False
    assert commands == []
