# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.report.logs import report_rows

READ = {"container": "waba-waweb-1", "lines": 3, "bytes": 90, "note": ""}


def test_every_host_has_a_row_with_the_reason_for_a_missing_archive() -> None:
    reports = {
        "whole": {"archive": "/var/tmp/x/logs.tar.gz", "containers": [READ]},
        "empty": {"archive": "/var/tmp/x/logs.tar.gz", "containers": [], "note": "No Docker engine answers"},
        "down": {"unreachable": True, "msg": "Task failed: no route\n to host"},
        "broken": {"failed": True, "msg": "the disk is full"},
        "lost": {"archive": "/var/tmp/x/logs.tar.gz", "containers": [READ]},
    }
    rows = report_rows(reports, ["whole", "empty"])
    assert rows[0] == {"host": "whole", **READ}
    assert {row["host"]: row["note"] for row in rows[1:]} == {
        "empty": "No Docker engine answers",
        "down": "MISSING: it cannot be reached: no route to host",
        "broken": "MISSING: the disk is full",
        "lost": "MISSING: its archive could not be fetched",
    }
