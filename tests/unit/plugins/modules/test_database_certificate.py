# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import database_certificate


class Root:
    """The container: its copies, and the statements that its server executed."""

    version = "11.8.2-MariaDB"

    def __init__(self, copies: dict[str, str]) -> None:
        self.copies, self.statements = copies, []

    def run_in_container(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        if command[0] == "cat":
            return 0, self.copies.get(command[1], ""), ""
        self.copies[command[-1]] = data or ""
        return 0, "", ""

    def rows(self, statements: str) -> list[tuple[str, ...]]:
        if statements.startswith("SELECT"):
            return [(self.version,)]
        self.statements.append(statements)
        return []


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Root:
    made = Root({})
    monkeypatch.setattr(database_certificate, "RootClient", lambda _run, _cluster: made)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    for name in ("certificate", "key"):
        (tmp_path / name).write_text(f"new {name}\n")
    return {name: str(tmp_path / name) for name in ("certificate", "key")}


def test_replaced_files_are_copied_and_read_again(run: Callable[..., dict], root: Root, paths: dict[str, str]) -> None:
    assert run(database_certificate, **paths)["changed"]
    assert root.copies == {
        "/run/mysqld/server-cert.pem": "new certificate\n",
        "/run/mysqld/server-key.pem": "new key\n",
    }
    assert not run(database_certificate, **paths)["changed"]
    assert root.statements == ["FLUSH SSL;"] * 2, "a killed run may have copied them only"


def test_mysql_reloads_with_its_own_statement(run: Callable[..., dict], root: Root, paths: dict[str, str]) -> None:
    root.version = "9.7.0"
    run(database_certificate, **paths)
    assert root.statements == ["ALTER INSTANCE RELOAD TLS;"]


def test_check_mode_changes_nothing(run: Callable[..., dict], root: Root, paths: dict[str, str]) -> None:
    assert run(database_certificate, check_mode=True, **paths)["changed"]
    assert (root.copies, root.statements) == ({}, [])


def test_missing_file_is_refused(run: Callable[..., dict], root: Root, paths: dict[str, Any]) -> None:
    answer = run(database_certificate, **{**paths, "key": "/nowhere.key"})
    assert "/nowhere.key does not exist" in answer["msg"]
    assert root.copies == {}
