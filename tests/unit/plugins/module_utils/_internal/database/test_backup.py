# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import backup

FACTS = {
    "taken_at": "2026-01-31 12:00:00",
    "server": "11.8.3-MariaDB",
    "revision": "0001",
    "versions": ["1.0.0"],
    "tables": ["message"],
}
MANIFEST = backup.manifest("waba", FACTS, {backup.DATABASE_MEMBER: {"sha256": "00", "bytes": 1}})
NOTHING = {"tables": [], "clients": {}}
PARAMS = {"version": "1.0.0", "overwrite": False, "connected": False, "database": {"name": "waba"}}


def test_a_manifest_of_this_collection_can_be_restored() -> None:
    assert backup.manifest_problem(MANIFEST) is None


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([], "it is not a backup"),
        ({}, "it is not a backup"),
        ({**MANIFEST, "format": 2}, "use a newer one"),
        ({**MANIFEST, "taken_at": "now'); DROP"}, "incomplete"),
        ({**MANIFEST, "tables": None}, "incomplete"),
    ],
)
def test_an_unusable_manifest_is_reported(found: object, problem: str) -> None:
    assert problem in backup.manifest_problem(found)


def test_an_unused_empty_database_accepts_a_backup_of_the_same_or_an_older_version() -> None:
    assert backup.restore_problems(MANIFEST, NOTHING, PARAMS) == []
    assert backup.restore_problems({**MANIFEST, "versions": []}, NOTHING, PARAMS) == []
    assert backup.restore_problems({**MANIFEST, "versions": ["0.9.0"]}, NOTHING, PARAMS) == []


def test_all_reasons_not_to_restore_are_reported_together() -> None:
    newer = {**MANIFEST, "versions": ["1.0.0", "1.10.0"]}
    found = backup.restore_problems(newer, {"tables": ["a", "b"], "clients": {"172.18.0.3": "4"}}, PARAMS)
    assert [problem.variable for problem in found] == ["version", "overwrite", "connected"]
    text = " ".join(problem.problem for problem in found)
    assert "1.10.0, which is newer" in text
    assert "2 tables, which would be lost" in text
    assert "172.18.0.3 (4)" in text


def test_overwrite_and_connected_allow_a_restore() -> None:
    state = {"tables": ["a"], "clients": {"172.18.0.3": "4"}}
    assert backup.restore_problems(MANIFEST, state, {**PARAMS, "overwrite": True, "connected": True}) == []
