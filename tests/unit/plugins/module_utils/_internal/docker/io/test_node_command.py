# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    containers,
    engine,
    node_command,
    one_shot,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

SECRET = "a-database-passw0rd"
MASTER = {"Id": "1", "Image": "sha256:0123", "Config": {"Env": ["WA_DB_HOSTNAME=db", f"WA_DB_PASSWORD={SECRET}"]}}


@pytest.fixture
def masters(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The masters of the host."""
    found = [MASTER]
    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(containers, "with_labels", lambda *_arguments: found)
    return found


def test_a_command_runs_with_the_masters_image_and_environment_and_without_secrets_as_arguments(
    masters: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[tuple[Any, ...]] = []

    def run(*arguments: Any) -> str:
        runs.append(arguments)
        return '{"nodes": []}\n'

    monkeypatch.setattr(one_shot, "run", run)
    assert node_command.run("waba", "forget-nodes", "node4.test") == {"nodes": []}
    command = ["python3", "-m", "waba_node", "forget-nodes", "node4.test"]
    environment = {"WA_DB_HOSTNAME": "db", "WA_DB_PASSWORD": SECRET}
    assert runs == [(None, "waba", "sha256:0123", command, environment)]


def test_a_host_without_a_master_is_refused(masters: list[dict[str, Any]]) -> None:
    masters.clear()
    with pytest.raises(HostError, match="no master of the cluster waba"):
        node_command.run("waba", "database-info")


def test_secrets_in_the_output_of_a_failed_command_are_redacted(
    masters: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> str:
        raise HostError(f"it failed with {SECRET}")

    monkeypatch.setattr(one_shot, "run", fail)
    with pytest.raises(HostError) as error:
        node_command.run("waba", "database-info")
    assert SECRET not in str(error.value)


def test_output_that_is_not_json_is_an_error(masters: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_shot, "run", lambda *_arguments: "usage: python3 -m waba_node")
    with pytest.raises(HostError, match="printed no JSON"):
        node_command.run("waba", "database-info")
