# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.database.io import member
from docker.errors import NotFound

VOLUME = {"type": "named", "source": "mysqlData"}
POSITION = '{"initialised": true, "member": true, "uuid": "u", "seqno": 7, "safe_to_bootstrap": false}'


class Engine:
    """A host whose member does not run. sockets: the folder of the volume that guard and member share, None without it."""

    def __init__(self, sockets: Path | None) -> None:
        self.sockets = sockets
        self.api = SimpleNamespace(containers=lambda **_options: [], inspect_volume=self.inspect_volume)

    def inspect_volume(self, name: str) -> dict[str, Any]:
        if name == "waba_databaseSocket" and self.sockets is None:
            raise NotFound(name)
        return {"Mountpoint": str(self.sockets)}


def observed(monkeypatch: pytest.MonkeyPatch, sockets: Path | None, output: str = POSITION) -> dict[str, Any]:
    monkeypatch.setattr(member.one_shot, "run_on_volume", lambda *_arguments: output)
    return member.observe(Engine(sockets), "waba", "waba/mariadb:v1.0.0", VOLUME)


def test_a_stopped_member_is_reported_with_the_position_of_its_volume_and_the_remembered_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "waba-position").write_text('{"uuid": "u", "seqno": 9}', encoding="utf-8")
    found = observed(monkeypatch, tmp_path, f"{POSITION}\ncrashed\n")
    assert (found["seqno"], found["clean"], found["remembered"]) == (7, False, {"uuid": "u", "seqno": 9})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"uuid": "u", "seqno": null}', '{"uuid": "u", "seq'])
def test_a_damaged_memory_of_the_guard_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "waba-position").write_text(content, encoding="utf-8")
    assert observed(monkeypatch, tmp_path)["remembered"] is None


def test_a_host_without_a_guard_remembers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert observed(monkeypatch, None)["remembered"] is None
    assert observed(monkeypatch, tmp_path)["remembered"] is None


def test_a_definition_encrypts_where_its_database_service_says_so() -> None:
    assert not member.encrypts({"services": {"db": {"environment": {"WABA_GALERA_NODE": "db1"}}, "db-guard": {}}})
    assert member.encrypts({"services": {"db": {"environment": {"WABA_GALERA_TLS": "1"}}, "db-guard": {}}})
