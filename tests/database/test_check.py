"""The check of a database against a real server: what will do passes, and what will not is told by name."""

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.modules.database_check import check
from authority import Authority
from conftest import Server
from database_server import PRIVILEGES


def told(server: Server, **changes: object) -> list[tuple[str, str]]:
    """Return (setting, what is wrong) of every problem."""
    return [(problem.variable, problem.problem) for problem in check(server.account(**changes))[1]]


def test_the_account_that_the_container_makes_will_do_and_is_not_root(server: Server) -> None:
    facts, problems = check(server.account())
    assert problems == []
    assert facts["charset"] == "utf8mb4"
    assert not any("ON *.* " in grant and "USAGE" not in grant for grant in facts["grants"]), facts["grants"]


def test_the_containers_account_sees_no_other_database(server: Server) -> None:
    server.root("CREATE DATABASE IF NOT EXISTS strangers")
    assert told(server, database="strangers") == [
        ("waba_database_user", f"the account lacks {PRIVILEGES} on strangers")
    ]


def test_the_documented_privileges_are_enough_also_by_a_pattern(server: Server, small_account: str) -> None:
    assert told(server, user=small_account, database="small_waba") == []


def test_everything_that_will_not_do_is_told_at_once(server: Server) -> None:
    server.root(
        f"CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '{server.password}'",
        "GRANT SELECT, INSERT ON waba.* TO reader@'%'",
        "ALTER DATABASE waba CHARACTER SET latin1",
    )
    try:
        assert told(server, user="reader", nodes=100) == [
            ("waba_database_host", "its max_connections is 500; 100 nodes open up to 800"),
            ("waba_database_user", "the account lacks UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on waba"),
            (
                "waba_database_name_prefix",
                "the database waba has the character set latin1, which cannot hold every message",
            ),
        ]
    finally:
        server.root("ALTER DATABASE waba CHARACTER SET utf8mb4")


@pytest.mark.parametrize(
    ("changes", "variable", "wrong"),
    [
        ({"password": "wrong"}, "waba_database_user", "the server does not accept this account with its password: "),
        ({"user": "nobody"}, "waba_database_user", "the server does not accept this account with its password: "),
        ({"port": 1}, "waba_database_host", "nothing answers there as a database: "),
        ({"host": "db.invalid"}, "waba_database_host", "nothing answers there as a database: "),
    ],
)
def test_who_is_not_let_in_learns_why(server: Server, changes: dict, variable: str, wrong: str) -> None:
    ((told_variable, told_wrong),) = told(server, **changes)
    assert told_variable == variable
    assert told_wrong.startswith(wrong)
    assert server.password not in told_wrong


def test_a_read_only_server_is_refused(server: Server) -> None:
    server.root("SET GLOBAL read_only = ON")
    try:
        assert ("waba_database_host", "the server is read-only, a replica perhaps") in told(server)
    finally:
        server.root("SET GLOBAL read_only = OFF")


def test_with_tls_the_connection_is_encrypted(server: Server) -> None:
    facts, problems = check(server.account(tls_ca=server.authority.ca))
    assert problems == []
    assert facts["cipher"].startswith("TLS_")


def test_a_certificate_of_another_authority_or_for_another_name_is_refused(server: Server, tmp_path) -> None:
    stranger = Authority(tmp_path, "strangers")
    ((_variable, wrong),) = told(server, tls_ca=stranger.ca)
    assert "CERTIFICATE_VERIFY_FAILED" in wrong
    ((_variable, wrong),) = told(server, tls_ca=server.authority.ca, host="127.0.0.2")
    assert "127.0.0.2" in wrong
