# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import database_account

SECRET = "a-secret-password"


class Server:
    """A server with accounts, and the statements that root executed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accounts: dict[str, str], broken: bool = False) -> None:
        self.accounts, self.statements = accounts, []
        server = self

        class Client:
            def __init__(self, _run: object, _cluster: str, database: dict[str, Any]) -> None:
                self.account = (database["user"], database["password"])

            def rows(self, _statements: str, _database: str | None = None) -> list[tuple[str, ...]]:
                if self.account not in server.accounts.items():
                    raise HostError("Access denied")
                return [("1",)]

        class Root:
            def __init__(self, _run: object, _cluster: str) -> None:
                pass

            def rows(self, statements: str) -> list[tuple[str, ...]]:
                name = statements.partition("'")[2].partition("'")[0]
                if statements.startswith("SELECT"):
                    return [(str(int(name in server.accounts)),)]
                server.statements.append(statements)
                if broken:
                    raise HostError(f"near {SECRET}")
                if statements.startswith("DROP"):
                    server.accounts.pop(name, None)
                else:
                    server.accounts[name] = SECRET
                return []

        monkeypatch.setattr(database_account, "DatabaseClient", Client)
        monkeypatch.setattr(database_account, "RootClient", Root)


def test_account_is_provided_once(run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, {"waba": "other"})
    options = {"name": "waba_2", "password": SECRET, "database": "waba"}
    assert run(database_account, check_mode=True, **options)["changed"]
    assert server.statements == []
    assert run(database_account, **options)["changed"]
    assert not run(database_account, **options)["changed"]
    assert server.accounts == {"waba": "other", "waba_2": SECRET}


def test_account_with_another_password_is_corrected(run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed run may have left it with the value of an earlier rotation."""
    server = Server(monkeypatch, {"waba_2": "stale"})
    assert run(database_account, name="waba_2", password=SECRET, database="waba")["changed"]
    assert server.accounts == {"waba_2": SECRET}


def test_root_gets_another_password_and_no_privileges(
    run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(monkeypatch, {"root": "other"})
    assert run(database_account, name="root", password=SECRET)["changed"]
    assert server.statements == [f"ALTER USER 'root'@'%' IDENTIFIED BY '{SECRET}';"]


def test_account_is_removed_once(run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, {"waba": "other"})
    assert run(database_account, name="waba", state="absent")["changed"]
    assert not run(database_account, name="waba", state="absent")["changed"]
    assert server.accounts == {}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "waba_2", "password": SECRET}, "database is required, except for the account root."),
        ({"name": "root", "state": "absent"}, "The account root is not removed"),
        ({"name": "waba_2"}, "password"),
    ],
)
def test_incomplete_options_are_refused(
    run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], problem: str
) -> None:
    Server(monkeypatch, {})
    assert problem in run(database_account, **options)["msg"]


def test_message_of_the_server_contains_no_password(run: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, {}, broken=True)
    answer = run(database_account, name="waba_2", password=SECRET, database="waba")
    assert answer["failed"]
    assert SECRET not in answer["msg"]
