# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_nodes as nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers


def test_deployed_reports_the_addresses_of_running_containers_and_of_their_database(
    recorded: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = copy.deepcopy(recorded["containers"])
    gone = next(one for one in found if one["Name"] == "/waba-master2-1")
    gone["State"]["Status"] = "exited"
    monkeypatch.setattr(containers, "with_labels", lambda _client, label: found if label.endswith("=waba") else [])
    assert nodes.deployed(None, "waba") == {
        "db": {"hostname": "", "address": "", "database": ""},
        "master1": {"hostname": "master1", "address": "127.0.0.1", "database": "db"},
        "wacore1": {"hostname": "wacore1", "address": "127.0.0.1", "database": "db"},
        "wacore2": {"hostname": "wacore2", "address": "127.0.0.1", "database": "db"},
        "waweb": {"hostname": "waweb", "address": "", "database": "db"},
    }
