# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.filter.rotation_problems import rotation_problems
from ansible_collections.waba.cluster.plugins.filter.rotation_step import rotation_step

VALUES = {"waba_api_key": "a", "waba_next_api_key": "", "waba_previous_api_key": ""}
PROGRESS = {"begun": False, "prepared": False, "released": False}
NODE = {"service": "wacore", "role": "coreapp", "second_secrets": True}
DATABASE = {"service": "db", "role": "mysql", "second_secrets": False}
SETTLED: dict[str, Any] = {"actions": [], "file_changes": [], "services": [NODE, DATABASE]}


def step(reports: dict[str, Any], values: dict[str, str], finish: bool = True) -> dict[str, Any]:
    variables = {host: {"seen": report} for host, report in reports.items()}
    return rotation_step(
        variables, list(reports), "seen", values, ["waba_api_key"], PROGRESS, {"end_sessions": False, "finish": finish}
    )


def test_settled_cluster_begins_a_rotation() -> None:
    found = step({"node1": SETTLED, "node2": SETTLED}, VALUES)
    assert (found["action"], found["phase"], found["services"]) == ("begin", "idle", {})
    assert found["progress"] == {**PROGRESS, "begun": True}


def test_nodes_and_files_that_differ_are_rolled_first() -> None:
    differs = {
        "actions": [
            {"service": "db", "role": "mysql"},
            {"service": "wacore", "role": "coreapp"},
            {"service": "waweb", "role": "webapp"},
        ],
        "file_changes": [{"name": "db.env"}],
        "services": [],
    }
    found = step({"node1": SETTLED, "node2": differs}, {**VALUES, "waba_next_api_key": "b"})
    assert (found["action"], found["phase"]) == ("roll", "accept")
    assert found["services"] == {"node2": ["wacore", "waweb"]}, "the database is never restarted"
    assert "db.env on node2, wacore on node2, waweb on node2" in found["reason"]


def test_nodes_of_a_former_version_are_named_before_a_rotation_that_they_cannot_take_part_in() -> None:
    former = {**SETTLED, "services": [{**NODE, "second_secrets": False}, DATABASE]}
    assert step({"node1": SETTLED, "node2": former}, VALUES)["unsupported"] == ["wacore on node2"]
    assert step({"node2": former}, {**VALUES, "waba_next_api_key": "b"})["unsupported"] == ["wacore on node2"]
    admin = {"waba_admin_password": "a", "waba_next_admin_password": "b"}
    assert step({"node2": former}, admin)["unsupported"] == [], "the API has one password of the admin"
    assert step({"node1": SETTLED}, VALUES)["unsupported"] == []


def test_previous_values_stay_without_finish() -> None:
    values = {**VALUES, "waba_previous_api_key": "b"}
    assert step({"node1": SETTLED}, values, finish=False)["action"] == "done"
    assert step({"node1": SETTLED}, values)["action"] == "finish"


def test_problems_are_data_for_a_table() -> None:
    database = {"external": True, "members": []}
    (found,) = rotation_problems(["waba_database_password"], database, "waba", ["waba/node:v1.0.0"])
    assert (found["variable"], found["value"]) == ("waba_rotate", "waba_database_password")
