# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import live_host

ARBITRATOR: dict[str, Any] = {
    "Id": "one",
    "Names": ["/waba-arbitrator-db-arbitrator-1"],
    "Labels": {"waba.cluster.name": "waba", "waba.cluster.role": "arbitrator"},
    "HostConfig": {"NetworkMode": "host"},
    "Ports": [],
}


@pytest.mark.parametrize(("role", "own"), [("arbitrator", {4567}), ("mysql", set())])
def test_port_of_an_arbitrator_belongs_to_the_host_only_where_one_is_planned(
    monkeypatch: pytest.MonkeyPatch, role: str, own: set[int]
) -> None:
    engine = SimpleNamespace(api=SimpleNamespace(containers=lambda: [ARBITRATOR]))
    listening = [{"address": "0.0.0.0", "port": 4567, "inode": "9"}]
    monkeypatch.setattr(live_host, "connect", lambda: engine)
    monkeypatch.setattr(live_host.single_connect, "running", lambda *_arguments: [])
    monkeypatch.setattr(live_host, "_listening", lambda: listening)
    monkeypatch.setattr(live_host, "_programs", lambda _inodes: {"9": ("garbd", "77")})
    taken, found = live_host.ports_taken("waba", [], {role})
    assert found == own
    assert [(one["port"], one["by"]) for one in taken] == ([] if own else [(4567, "garbd (pid 77)")])
