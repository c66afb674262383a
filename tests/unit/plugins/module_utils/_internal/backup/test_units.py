# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import units

COMMAND = "/usr/bin/python3 -I /opt/waba/scheduled-backup.pyz /opt/waba/scheduled-backup.json"


def test_systemd_gets_a_service_and_a_timer() -> None:
    found = units.texts("waba", "30 2 * * *", "/usr/bin/python3", "/opt/waba", systemd=True)
    service, timer = (
        found["/etc/systemd/system/waba-backup-waba.service"],
        found["/etc/systemd/system/waba-backup-waba.timer"],
    )
    assert f"ExecStart={COMMAND}\n" in service
    assert "OnCalendar=*-*-* 02:30:00\n" in timer
    assert len(found) == 2


def test_cron_gets_one_entry_that_logs_to_syslog() -> None:
    found = units.texts("waba", "30 2 * * *", "/usr/bin/python3", "/opt/waba", systemd=False)
    (text,) = found.values()
    assert list(found) == ["/etc/cron.d/waba-backup-waba"]
    assert text.splitlines()[1] == f"30 2 * * * root {COMMAND} --syslog"


def test_every_file_names_the_cluster_that_it_belongs_to() -> None:
    for systemd in (True, False):
        texts = units.texts("blue", "30 2 * * *", "/usr/bin/python3", "/opt/waba", systemd)
        assert all(contract.is_managed(text, "blue") for text in texts.values())
        assert set(texts) <= set(units.paths("blue").values())
