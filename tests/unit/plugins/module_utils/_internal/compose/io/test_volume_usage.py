# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import volume_usage


def container(name: str, role: str, source: str) -> dict[str, Any]:
    mounts = [{"Type": "volume", "Name": source, "Source": source, "Destination": "/var/lib/mysql"}]
    return {"Name": f"/{name}", "Config": {"Labels": {"waba.cluster.role": role}}, "Mounts": mounts}


def test_volume_of_an_arbitrator_is_no_data_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        container("waba-db-db-1", "mysql", "waba_mysqlData"),
        container("waba-arbitrator-db-arbitrator-1", "arbitrator", "waba_arbitratorView"),
    ]
    monkeypatch.setattr(volume_usage.containers, "with_labels", lambda *_arguments: found)
    client: Any = object()
    assert [one["name"] for one in volume_usage.container_mounts(client, "waba")] == ["waba-db-db-1"]
