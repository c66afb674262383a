# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.filter.database_steps import database_steps

HOSTS = ["db1", "db2", "db3"]
EMPTY = {"running": False, "initialised": False, "member": False}


def test_the_steps_are_data_for_tasks() -> None:
    found = database_steps({host: {"seen": EMPTY} for host in HOSTS}, HOSTS, HOSTS, "seen")
    assert [(step["host"], step["action"], step["seqno"]) for step in found["steps"]] == [("db1", "bootstrap", -1)]
    assert found["problems"] == []


def test_a_host_outside_the_play_or_with_a_failed_observation_did_not_answer() -> None:
    seen = {"db1": {"seen": EMPTY}, "db2": {"seen": {"failed": True}}, "db3": {"seen": EMPTY}}
    found = database_steps(seen, HOSTS, ["db1", "db2"], "seen")
    assert {problem["value"] for problem in found["problems"]} == {"db2", "db3"}
    assert "does not answer" in "\n".join(found["table"])


def test_the_arbitrator_is_observed_too() -> None:
    crashed = {"running": False, "initialised": True, "member": True, "uuid": "u", "seqno": 7}
    seen = {"db1": {"seen": crashed}, "db2": {"seen": crashed}, "db3": {"seen": {"running": True, "joined": False}}}
    found = database_steps(seen, HOSTS[:2], HOSTS, "seen", arbitrator="db3")
    assert [(step["host"], step["action"]) for step in found["steps"]] == [("db3", "stop")]
    assert "none (arbitrator)" in "\n".join(found["table"])
