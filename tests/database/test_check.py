"""The module database_info with a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.modules.database_info import inspect
from authority import Authority
from conftest import Server
from database_server import PRIVILEGES


def reported(server: Server, **changes: object) -> list[tuple[str, str]]:
    """Return (variable, problem) of every problem."""
    return [(problem.variable, problem.problem) for problem in inspect(server.account(**changes))[1]]


@contextmanager
def global_setting(server: Server, name: str, value: str) -> Iterator[None]:
    """Change a global variable of the server for a block."""
    before = server.value(f"SELECT @@global.{name}")
    server.root(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        server.root(f"SET GLOBAL {name} = {before if str(before).isdigit() else repr(before)}")


def test_the_account_of_the_container_meets_the_requirements_and_is_not_root(server: Server) -> None:
    facts, problems = inspect(server.account())
    assert problems == []
    assert facts["charset"] == "utf8mb4"
    assert not any("ON *.* " in grant and "USAGE" not in grant for grant in facts["grants"]), facts["grants"]


def test_the_account_of_the_container_has_no_access_to_other_databases(server: Server) -> None:
    server.root("CREATE DATABASE IF NOT EXISTS other")
    assert reported(server, database="other") == [("waba_database_user", f"the account lacks {PRIVILEGES} on other")]


def test_the_documented_privileges_are_sufficient_also_for_a_pattern(server: Server, small_account: str) -> None:
    assert reported(server, user=small_account, database="small_waba") == []


def test_all_problems_are_reported_together(server: Server) -> None:
    server.root(
        f"CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '{server.password}'",
        "GRANT SELECT, INSERT ON waba.* TO reader@'%'",
        "ALTER DATABASE waba CHARACTER SET latin1",
    )
    try:
        assert reported(server, user="reader", nodes=100) == [
            ("waba_database_host", "its max_connections is 500; 100 nodes open up to 800"),
            ("waba_database_user", "the account lacks UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on waba"),
            (
                "waba_database_name_prefix",
                "the database waba has the character set latin1, which cannot store every message",
            ),
        ]
    finally:
        server.root("ALTER DATABASE waba CHARACTER SET utf8mb4")


@pytest.mark.parametrize(
    ("changes", "variable", "problem"),
    [
        ({"password": "wrong"}, "waba_database_user", "the server does not accept this account with its password: "),
        ({"user": "unknown"}, "waba_database_user", "the server does not accept this account with its password: "),
        ({"port": 1}, "waba_database_host", "no database server answers there: "),
        ({"host": "db.invalid"}, "waba_database_host", "no database server answers there: "),
    ],
)
def test_a_failed_login_is_reported_without_the_password(
    server: Server, changes: dict, variable: str, problem: str
) -> None:
    ((found_variable, found_problem),) = reported(server, **changes)
    assert found_variable == variable
    assert found_problem.startswith(problem)
    assert server.password not in found_problem


def test_a_read_only_server_is_reported(server: Server) -> None:
    with global_setting(server, "read_only", "ON"):
        assert ("waba_database_host", "the server is read-only; it may be a replica") in reported(server)


@pytest.mark.parametrize("mode", ["'ANSI'", "'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'", "''"])
def test_the_sql_mode_of_the_server_does_not_matter(server: Server, small_account: str, mode: str) -> None:
    with global_setting(server, "sql_mode", mode):
        assert reported(server) == []
        assert reported(server, user=small_account, database="small_waba") == []


def test_unquoted_names_in_grants_do_not_matter(server: Server) -> None:
    with global_setting(server, "sql_quote_show_create", "OFF"):
        assert reported(server) == []


def test_a_small_packet_limit_is_reported(server: Server) -> None:
    with global_setting(server, "max_allowed_packet", "1048576"):
        ((variable, problem),) = reported(server)
    assert variable == "waba_database_host"
    assert problem.startswith("its max_allowed_packet is 1048576: ")


def test_a_connection_limit_of_the_account_is_reported(server: Server) -> None:
    server.root(
        f"CREATE USER IF NOT EXISTS limited@'%' IDENTIFIED BY '{server.password}' WITH MAX_USER_CONNECTIONS 20",
        "GRANT ALL PRIVILEGES ON waba.* TO limited@'%'",
    )
    assert reported(server, user="limited") == [
        ("waba_database_user", "the account may open 20 connections; 5 nodes open up to 40")
    ]


def test_with_tls_the_connection_is_encrypted(server: Server) -> None:
    facts, problems = inspect(server.account(tls_ca=server.authority.ca))
    assert problems == []
    assert facts["cipher"].startswith("TLS_")


def test_a_certificate_of_another_authority_or_for_another_name_is_reported(server: Server, tmp_path: Path) -> None:
    other = Authority(tmp_path, "others")
    ((_variable, problem),) = reported(server, tls_ca=other.ca)
    assert "CERTIFICATE_VERIFY_FAILED" in problem
    ((_variable, problem),) = reported(server, tls_ca=server.authority.ca, host="127.0.0.2")
    assert "127.0.0.2" in problem
