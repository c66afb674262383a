# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.planner import volumes


def test_a_container_never_loses_sight_of_its_data_unasked():
    containers = [{"name": "waba-db-1", "mounts": {"/var/lib/mysql": ("volume", "waba_mysqlData")}}]

    def behind(volume):
        return volumes.left_behind("waba", {"database": volume}, containers)

    assert behind({"type": "named", "source": "mysqlData"}) == []
    assert behind({"type": "external", "source": "waba_mysqlData"}) == []
    assert "waba_mysqlData" in behind({"type": "bind", "source": "/srv/mysql"})[0].wrong
