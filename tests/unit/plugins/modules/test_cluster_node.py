# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import cluster_node

DATABASE = {"name": "waba", "user": "waba", "password": "a-password"}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(database, statement) of every statement; the database has one node."""
    received = []

    class Client:
        def __init__(self, *_arguments: object) -> None:
            pass

        def rows(self, statement: str, database: str) -> list[tuple[str]]:
            received.append((database, statement))
            return [("node4.test:c1",)] if statement.startswith("SELECT") else []

    monkeypatch.setattr(cluster_node, "DatabaseClient", Client)
    return received


@pytest.mark.parametrize("name", ["node4'; DROP TABLE node; --", "", "two words", "node4\\"])
def test_an_invalid_host_name_is_refused_before_any_statement(
    run: Callable[..., dict], statements: list[Any], name: str
) -> None:
    answer = run(cluster_node, database=DATABASE, hostnames=["node4.test", name])
    assert answer["failed"]
    assert statements == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_nodes_of_the_named_hosts_are_deleted_except_in_check_mode(
    run: Callable[..., dict], statements: list[Any], check_mode: bool
) -> None:
    answer = run(cluster_node, check_mode=check_mode, database=DATABASE, hostnames=["node4.test", "10.0.0.4"])
    assert (answer["changed"], answer["nodes"]) == (True, ["node4.test:c1"])
    written = [statement for database, statement in statements if statement.startswith("DELETE") and database == "waba"]
    wanted = "DELETE FROM node WHERE hostname IN ('node4.test', '10.0.0.4');"
    assert written == ([] if check_mode else [wanted])


def test_without_host_names_nothing_changes(run: Callable[..., dict], statements: list[Any]) -> None:
    assert run(cluster_node, database=DATABASE, hostnames=[])["changed"] is False
    assert statements == []
