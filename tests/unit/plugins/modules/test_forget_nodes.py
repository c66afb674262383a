# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.modules import forget_nodes

DATABASE = {"name": "waba", "user": "waba", "password": "a-password"}


@pytest.fixture
def statements(monkeypatch):
    """The statements that reach the database, which has one node."""
    told = []

    class Client:
        def __init__(self, *_anything):
            pass

        def rows(self, statement, database):
            told.append((database, statement))
            return [("node4.test:c1",)] if statement.startswith("SELECT") else []

    monkeypatch.setattr(forget_nodes, "DatabaseClient", Client)
    return told


@pytest.mark.parametrize("name", ["node4'; DROP TABLE node; --", "", "two words", "node4\\"])
def test_what_is_no_name_of_a_host_reaches_no_database(run, statements, name):
    answer = run(forget_nodes, database=DATABASE, hostnames=["node4.test", name])
    assert answer["failed"]
    assert statements == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_nodes_of_the_named_hosts_are_deleted_but_not_in_check_mode(run, statements, check_mode):
    answer = run(forget_nodes, check_mode=check_mode, database=DATABASE, hostnames=["node4.test", "10.0.0.4"])
    assert (answer["changed"], answer["nodes"]) == (True, ["node4.test:c1"])
    written = [statement for database, statement in statements if statement.startswith("DELETE") and database == "waba"]
    wanted = "DELETE FROM node WHERE hostname IN ('node4.test', '10.0.0.4');"
    assert written == ([] if check_mode else [wanted])


def test_no_name_is_nobody(run, statements):
    assert run(forget_nodes, database=DATABASE, hostnames=[])["changed"] is False
    assert statements == []
