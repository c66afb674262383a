# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.report import uninstall as uninstall_report

KEPT = {"kind": "volume", "name": "waba_mysqlData", "reason": "volumes are removed only on request (waba_wipe_volumes)"}
DOCKER = {"installed": True, "packages": [], "stays": "the collection did not install it"}
CLEAN = {"containers": [], "networks": [], "volumes": ["waba_mysqlData"], "files": [], "docker": DOCKER}
SKIPPED = {"changed": False, "skipped": True}
ALSO = ("firewall", "nfs_mount")


def report(**changed):
    parts = {
        "going": {"removed": [], "kept": [KEPT]},
        "objects": {"removed": [{"kind": "container", "name": "waba-db-1"}], "kept": [KEPT]},
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


def told(also=ALSO, check=False, **changed):
    return [
        (row["kind"], row["name"], row["outcome"], row["reason"])
        for row in uninstall_report.rows("one", report(**changed), also, check)
    ]


def wrong(*every):
    return uninstall_report.verdict([row for rows in every for row in rows])


def test_what_went_and_what_stays_and_why():
    assert told() == [
        ("container", "waba-db-1", "removed", ""),
        ("volume", "waba_mysqlData", "kept", KEPT["reason"]),
        ("file", "/opt/waba/db.env", "removed", ""),
        ("file", "/opt/waba/mysql.env", "kept", "it is not the cluster's: its first line says so"),
        ("firewall", "rules", "removed", ""),
        ("mount", "/mnt/wamedia", "removed", "what the share holds stays"),
        ("Docker", "engine", "kept", "waba_uninstall_also does not name docker"),
    ]
    assert wrong(uninstall_report.rows("one", report(), ALSO, False)) == []


def test_a_share_that_others_use_stays_mounted():
    folder = {
        "kind": "folder",
        "name": "/mnt/wamedia",
        "reason": "in use by shop, which does not belong to the cluster",
        "used_by": ["shop"],
    }
    going = {"removed": [], "kept": [folder]}
    assert ("mount", "/mnt/wamedia", "kept", folder["reason"]) in told(going=going, share={})


def test_what_was_not_asked_for_stays_with_that_as_the_reason():
    kept = {row[:2]: row[3] for row in told(also=(), share=SKIPPED) if row[2] == "kept"}
    assert kept["firewall", "rules"] == "waba_uninstall_also does not name firewall"
    assert kept["mount", "/mnt/wamedia"] == "waba_uninstall_also does not name nfs_mount"
    assert ("Docker", "engine", "kept", DOCKER["stays"]) in told(also=["docker"])
    assert ("export", "/srv/wamedia", "kept", "what the share holds is never removed") in told(export="/srv/wamedia")


def test_docker_that_went_is_told_by_its_packages():
    left = {**CLEAN, "docker": {"installed": True, "packages": ["docker.io", "runc"], "stays": ""}}
    rows = told(also=["docker"], left=left, docker={"changed": True})
    assert [row[1] for row in rows if row[0] == "Docker"] == ["docker.io", "runc"]


def test_check_mode_tells_what_would_go_and_proves_nothing():
    rows = told(check=True, left={**CLEAN, "containers": [{"name": "waba-db-1"}]})
    assert ("container", "waba-db-1", "would go", "") in rows
    assert {row[2] for row in rows} == {"would go", "kept"}


def test_a_host_that_is_down_is_one_row_and_an_error_in_the_end():
    down = {"unreachable": True, "msg": "Task failed: no route to host"}
    rows = uninstall_report.rows(
        "one",
        report(going=down, **dict.fromkeys(("objects", "files", "firewall", "share", "left"), SKIPPED)),
        ALSO,
        False,
    )
    assert [(row["kind"], row["outcome"]) for row in rows] == [("host", "not reached")]
    assert wrong(rows, uninstall_report.rows("two", report(), ALSO, False)) == [
        "one: host one: it cannot be reached: no route to host. Run again when it is back"
    ]


@pytest.mark.parametrize("kind", ["containers", "networks", "volumes", "files"])
def test_what_is_still_there_is_an_error(kind):
    name = {"name": "left-over"} if kind == "containers" else "left-over"
    rows = uninstall_report.rows("one", report(left={**CLEAN, kind: [name]}), ALSO, False)
    assert wrong(rows) == [f"one: {kind[:-1]} left-over: it is still there"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("objects", "containers and networks"),
        ("files", "files"),
        ("firewall", "firewall"),
        ("left", "proof"),
        ("share", "mount"),
        ("docker", "Docker"),
    ],
)
def test_a_step_that_failed_is_a_row_and_the_others_are_told_all_the_same(part, kind):
    bad = {"changed": False, "msg": "no engine answers", **({"failed": True} if part in ("share", "docker") else {})}
    rows = told(**{part: bad})
    assert (kind, "(all)", "failed", "no engine answers") in rows
    assert len(rows) > 4


def test_a_host_that_answers_the_same_to_everything_is_told_once():
    bad = {"changed": False, "msg": "no python"}
    assert told(going=bad, objects=bad, files=bad, firewall=bad, share=SKIPPED, left=bad) == [
        ("host", "one", "failed", "no python")
    ]
