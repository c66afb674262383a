# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.database import backup

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


def test_a_manifest_of_ours_has_no_fault():
    assert backup.manifest_fault(MANIFEST) is None


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "it is no backup"),
        ({}, "it is no backup"),
        ({**MANIFEST, "format": 2}, "use a newer one"),
        ({**MANIFEST, "taken_at": "now'); DROP"}, "not whole"),
        ({**MANIFEST, "tables": None}, "not whole"),
    ],
)
def test_what_cannot_be_restored_is_told(found, told):
    assert told in backup.manifest_fault(found)


def test_an_empty_database_that_nobody_uses_takes_a_backup_of_this_version_or_an_older_one():
    assert backup.restore_problems(MANIFEST, NOTHING, PARAMS) == []
    assert backup.restore_problems({**MANIFEST, "versions": []}, NOTHING, PARAMS) == []
    assert backup.restore_problems({**MANIFEST, "versions": ["0.9.0"]}, NOTHING, PARAMS) == []


def test_everything_that_speaks_against_a_restore_is_told_at_once():
    newer = {**MANIFEST, "versions": ["1.0.0", "1.10.0"]}
    found = backup.restore_problems(newer, {"tables": ["a", "b"], "clients": {"172.18.0.3": "4"}}, PARAMS)
    assert [problem.variable for problem in found] == ["version", "overwrite", "connected"]
    told = " ".join(problem.problem for problem in found)
    assert "1.10.0, which is newer" in told
    assert "2 tables, which would be lost" in told
    assert "172.18.0.3 (4)" in told


def test_what_was_asked_for_is_not_refused():
    state = {"tables": ["a"], "clients": {"172.18.0.3": "4"}}
    assert backup.restore_problems(MANIFEST, state, {**PARAMS, "overwrite": True, "connected": True}) == []


def test_epochs_jump_and_the_owners_of_the_replaced_database_are_waited_for():
    statements = backup.after_restore("41", "23.3").splitlines()
    assert statements[0].endswith("takeover_delay = 23.3, epoch = GREATEST(epoch, 41) + 1000000;")
    assert statements[1] == "UPDATE lease SET epoch = GREATEST(epoch, 41) + 1000000, released_epoch = epoch;"


def test_without_a_replaced_database_the_delays_of_the_backup_count():
    assert "takeover_delay" not in backup.after_restore(0, None)


def test_what_nodes_agreed_on_among_themselves_is_not_restored():
    statements = backup.after_restore("41", "0").splitlines()
    assert "DELETE FROM document WHERE name IN ('node_secret', 'primary_secret');" in statements
