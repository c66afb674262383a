# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.report.io.host_facts import host_facts
from docker.errors import APIError


def unavailable(*_arguments: object, **_options: object) -> Any:
    raise APIError("the engine is shutting down")


def test_facts_are_collected_although_the_engine_fails() -> None:
    client = SimpleNamespace(api=SimpleNamespace(containers=unavailable))
    facts = host_facts(lambda *_arguments, **_options: (1, "", ""), client, "waba", "/nonexistent", [])
    assert facts["nodes"] == []
    assert facts["errors"] == {"nodes": "Docker could not list the containers: the engine is shutting down"}
    assert facts["memory_mb"] > 0
