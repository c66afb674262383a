# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import (
    DatabaseClient,
    read_password,
    read_user,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

SECRET = "a'b\\c\"d=e"


def from_file(path: Path) -> str:
    return read_password({"password": None, "password_file": str(path)})


@pytest.mark.parametrize("name", ["MYSQL_PASSWORD", "WA_DB_PASSWORD"])
def test_the_password_is_read_from_either_environment_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "one.env"
    path.write_text(dotenv.render({"MYSQL_ROOT_PASSWORD": "another", name: SECRET}, "a comment"), encoding="utf-8")
    assert from_file(path) == SECRET


@pytest.mark.parametrize("name", ["MYSQL_USER", "WA_DB_USERNAME"])
def test_account_of_the_environment_file_has_precedence(tmp_path: Path, name: str) -> None:
    """It alternates when its password is rotated, and the file has both."""
    path = tmp_path / "one.env"
    path.write_text(dotenv.render({name: "waba_2"}, "a comment"), encoding="utf-8")
    assert read_user({"user": "waba", "password_file": str(path)}) == "waba_2"
    assert read_user({"user": "waba", "password_file": None}) == "waba"
    path.write_text("TZ=UTC\n", encoding="utf-8")
    assert read_user({"user": "waba", "password_file": str(path)}) == "waba"


def test_a_missing_file_or_password_is_reported_with_the_playbook_that_creates_it(tmp_path: Path) -> None:
    path = tmp_path / "one.env"
    with pytest.raises(HostError, match=r"one\.env, .* does not exist\. Run the playbook site\.yml first\."):
        from_file(path)
    path.write_text("TZ=UTC\n", encoding="utf-8")
    with pytest.raises(HostError, match="contains neither MYSQL_PASSWORD nor WA_DB_PASSWORD"):
        from_file(path)


def test_option_files_of_the_user_and_the_host_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """~/.my.cnf could name another server, or leave out tables of a dump."""
    commands: list[list[str]] = []

    def run_command(command: list[str], **_options: object) -> tuple[int, str, str]:
        commands.append(command)
        return 0, "", ""

    monkeypatch.setattr("shutil.which", lambda _program: "/usr/bin/mariadb")
    unset = dict.fromkeys(("password_file", "tls_ca", "tls_certificate", "tls_key"))
    database = {**unset, "host": "db.example.org", "port": 3306, "user": "wa", "password": SECRET, "name": "waba"}
    DatabaseClient(run_command, "waba", database).rows("SELECT 1")
    (command,) = commands
    assert command[:2] == ["mariadb", "--no-defaults"]
