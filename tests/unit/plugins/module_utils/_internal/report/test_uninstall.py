# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.report import uninstall

RETAINED = {
    "kind": "volume",
    "name": "waba_mysqlData",
    "reason": "volumes are removed only on request (waba_wipe_volumes)",
}
DOCKER = {"installed": True, "packages": [], "blocker": "the collection did not install it"}
CLEAN = {"containers": [], "networks": [], "volumes": ["waba_mysqlData"], "files": [], "docker": DOCKER}
SKIPPED = {"changed": False, "skipped": True}
ALSO = ("firewall", "nfs_mount")


def report(**changed: Any) -> dict[str, Any]:
    parts = {
        "planned": {"removed": [], "retained": [RETAINED]},
        "backup": {"changed": False, "installed": True, "files": [], "folder": ""},
        "objects": {"removed": [{"kind": "container", "name": "waba-db-1"}], "retained": [RETAINED]},
        "files": {
            "files": [
                {"path": "/opt/waba/db.env", "action": "removed"},
                {"path": "/opt/waba/mysql.env", "action": "foreign"},
            ]
        },
        "firewall": {"changed": True, "installed": True},
        "share": {"changed": True},
        "left": CLEAN,
        "docker": {},
        "share_path": "/mnt/wamedia",
        "export": "",
    }
    return {**parts, **changed}


def outcomes(also: Iterable[str] = ALSO, check: bool = False, **changed: Any) -> list[tuple[str, ...]]:
    return [
        (row["kind"], row["name"], row["outcome"], row["reason"])
        for row in uninstall.rows("one", report(**changed), also, check)
    ]


def failures(*every: list[dict[str, str]]) -> list[str]:
    return uninstall.failures([row for rows in every for row in rows])


def test_removed_and_kept_objects_are_reported_with_reasons() -> None:
    assert outcomes() == [
        ("container", "waba-db-1", "removed", ""),
        ("volume", "waba_mysqlData", "retained", RETAINED["reason"]),
        ("file", "/opt/waba/db.env", "removed", ""),
        ("file", "/opt/waba/mysql.env", "retained", "its first line shows that it is not the cluster's"),
        ("firewall", "rules", "removed", ""),
        ("mount", "/mnt/wamedia", "removed", "the content of the share is retained"),
        ("Docker", "engine", "retained", "waba_uninstall_also does not name docker"),
    ]
    assert failures(uninstall.rows("one", report(), ALSO, False)) == []


def test_the_schedule_of_backups_is_removed_and_the_backups_are_not() -> None:
    timer = "/etc/systemd/system/waba-backup-waba.timer"
    backup = {"installed": True, "files": [{"path": timer, "action": "removed"}], "folder": "/var/backups/waba"}
    assert [row for row in outcomes(backup=backup) if "backup" in row[1]] == [
        ("file", timer, "removed", ""),
        ("folder", "/var/backups/waba", "retained", "backups are never removed"),
    ]


def test_a_share_with_other_users_is_not_unmounted() -> None:
    folder = {
        "kind": "folder",
        "name": "/mnt/wamedia",
        "reason": "in use by shop, which does not belong to the cluster",
        "used_by": ["shop"],
    }
    planned = {"removed": [], "retained": [folder]}
    assert ("mount", "/mnt/wamedia", "retained", folder["reason"]) in outcomes(planned=planned, share={})


def test_parts_that_were_not_requested_are_kept() -> None:
    retained = {row[:2]: row[3] for row in outcomes(also=(), share=SKIPPED) if row[2] == "retained"}
    assert retained["firewall", "rules"] == "waba_uninstall_also does not name firewall"
    assert retained["mount", "/mnt/wamedia"] == "waba_uninstall_also does not name nfs_mount"
    assert ("Docker", "engine", "retained", DOCKER["blocker"]) in outcomes(also=["docker"])
    assert ("export", "/srv/wamedia", "retained", "the content of the share is never removed") in outcomes(
        export="/srv/wamedia"
    )


def test_a_removed_docker_is_reported_by_its_packages() -> None:
    left = {**CLEAN, "docker": {"installed": True, "packages": ["docker.io", "runc"], "blocker": ""}}
    rows = outcomes(also=["docker"], left=left, docker={"changed": True})
    assert [row[1] for row in rows if row[0] == "Docker"] == ["docker.io", "runc"]


def test_check_mode_reports_planned_removals_and_verifies_nothing() -> None:
    rows = outcomes(check=True, left={**CLEAN, "containers": [{"name": "waba-db-1"}]})
    assert ("container", "waba-db-1", "would be removed", "") in rows
    assert {row[2] for row in rows} == {"would be removed", "retained"}


def test_an_unreachable_host_is_one_row_and_a_failure() -> None:
    down = {"unreachable": True, "msg": "Task failed: no route to host"}
    rows = uninstall.rows(
        "one",
        report(planned=down, **dict.fromkeys(("objects", "files", "firewall", "share", "left"), SKIPPED)),
        ALSO,
        False,
    )
    assert [(row["kind"], row["outcome"]) for row in rows] == [("host", "not reached")]
    assert failures(rows, uninstall.rows("two", report(), ALSO, False)) == [
        "one: host one: it cannot be reached: no route to host. Run the playbook again when it is back"
    ]


@pytest.mark.parametrize("kind", ["containers", "networks", "volumes", "files"])
def test_an_object_that_still_exists_is_a_failure(kind: str) -> None:
    name = {"name": "left-over"} if kind == "containers" else "left-over"
    rows = uninstall.rows("one", report(left={**CLEAN, kind: [name]}), ALSO, False)
    assert failures(rows) == [f"one: {kind[:-1]} left-over: it still exists"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("objects", "containers and networks"),
        ("files", "files"),
        ("firewall", "firewall"),
        ("left", "verification"),
        ("share", "mount"),
        ("docker", "Docker"),
    ],
)
def test_a_failed_step_is_a_row_beside_the_others(part: str, kind: str) -> None:
    bad = {"changed": False, "msg": "no engine answers", **({"failed": True} if part in ("share", "docker") else {})}
    rows = outcomes(**{part: bad})
    assert (kind, "(all)", "failed", "no engine answers") in rows
    assert len(rows) > 4


def test_a_host_that_fails_every_step_for_one_reason_has_one_row() -> None:
    bad = {"changed": False, "msg": "no python"}
    assert outcomes(planned=bad, backup=bad, objects=bad, files=bad, firewall=bad, share=SKIPPED, left=bad) == [
        ("host", "one", "failed", "no python")
    ]
