# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.project import Project, containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

DEFINITION = {
    "name": "blue-db",
    "services": {"db": {"image": "waba/mariadb:v1.0.0", "labels": {"waba.cluster.name": "blue"}}},
}


@pytest.mark.parametrize("labels", [{}, {"waba.cluster.name": "blue-db"}])
def test_a_compose_project_of_another_owner_is_refused(monkeypatch: pytest.MonkeyPatch, labels: dict[str, str]) -> None:
    """Otherwise its services, which the file does not have, would be removed."""
    container: dict[str, Any] = {"Id": "c1", "Name": "/blue-db-db-1", "Config": {"Labels": labels}}
    monkeypatch.setattr(containers, "image_facts", lambda _client, _names: {})
    monkeypatch.setattr(containers, "network_ids", lambda _client: [])
    monkeypatch.setattr(containers, "with_labels", lambda _client, *_labels: [container])
    with pytest.raises(HostError, match="blue-db-db-1 belongs to a Compose project blue-db of another owner"):
        Project(None, None, None, DEFINITION)
