# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import check
from hypothesis import given
from hypothesis import strategies as st

ALL = set(check.PRIVILEGES)
SETTINGS = {
    "max_allowed_packet": "16777216",
    "binlog_format": "MIXED",
    "log_bin": "ON",
    "innodb_default_row_format": "dynamic",
    "innodb_read_only": "OFF",
    "max_user_connections": "0",
}
FACTS = {
    "version": "8.4.3",
    "comment": "MySQL Community Server",
    "max_connections": 500,
    "grants": ["GRANT USAGE ON *.* TO `waba`@`%`", "GRANT ALL PRIVILEGES ON `waba`.* TO `waba`@`%`"],
    "read_only": 0,
    "clock_difference": 0.2,
    "charset": None,
    "cipher": "TLS_AES_256_GCM_SHA384",
    "settings": SETTINGS,
    "writers": [],
}
WANTED = {"host": "db.example.com", "user": "waba", "database": "waba", "nodes": 7, "tls_ca": "/etc/waba/db-ca.pem"}


@pytest.mark.parametrize(
    ("grant", "held"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", ALL),
        ("GRANT ALL PRIVILEGES ON `wa%`.* TO `waba`@`%`", ALL),
        (r"GRANT SELECT, INSERT ON `wab\_%`.* TO `waba`@`%`", set()),
        ("GRANT SELECT, INSERT ON `wab_`.* TO `waba`@`%`", {"SELECT", "INSERT"}),
        ("GRANT SELECT ON `other`.* TO `waba`@`%`", set()),
        ("GRANT SELECT, UPDATE (`name`, `id`), DROP ON `waba`.* TO `waba`@`%`", {"SELECT", "UPDATE", "DROP"}),
        ("GRANT SELECT ON `waba`.`message` TO `waba`@`%`", set()),
        ("GRANT `reader`@`%` TO `waba`@`%`", set()),
    ],
)
def test_only_grants_on_every_table_of_the_database_count(grant: str, held: set[str]) -> None:
    assert check.privileges_on([grant], "waba") & ALL == held


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1))
def test_a_grant_on_an_escaped_name_covers_only_that_database(name: str) -> None:
    pattern = name.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%").replace("`", "``")
    grants = [f"GRANT SELECT ON `{pattern}`.* TO `waba`@`%`"]
    assert check.privileges_on(grants, name) == {"SELECT"}
    assert check.privileges_on(grants, f"{name}x") == set()


def test_a_suitable_server_has_no_problem() -> None:
    assert check.server_problems(FACTS, WANTED) == []
    assert check.server_warnings(FACTS, WANTED) == []


@pytest.mark.parametrize(
    ("changes", "variable", "problem"),
    [
        ({"version": "5.7.44"}, "waba_database_host", "it runs MySQL 5.7.44, older than 8.0"),
        ({"version": "10.5.1-MariaDB"}, "waba_database_host", "it runs MariaDB 10.5.1-MariaDB, older than 10.6"),
        ({"max_connections": 65}, "waba_database_host", "its max_connections is 65; 7 nodes open up to 56"),
        (
            {"grants": FACTS["grants"][:1]},
            "waba_database_user",
            f"the account lacks {', '.join(check.PRIVILEGES)} on waba",
        ),
        ({"cipher": ""}, "waba_database_tls_ca", "the server has no TLS"),
        ({"read_only": 1}, "waba_database_host", "the server is read-only; it may be a replica"),
        (
            {"charset": "latin1"},
            "waba_database_name_prefix",
            "the database waba has the character set latin1, which cannot store every message",
        ),
        ({"clock_difference": -61.2}, "waba_database_host", "its clock differs from this host's by -61 s"),
    ],
)
def test_an_unmet_requirement_is_reported(changes: dict[str, Any], variable: str, problem: str) -> None:
    (found,) = check.server_problems({**FACTS, **changes}, WANTED)
    assert (found.variable, found.problem) == (variable, problem)


@pytest.mark.parametrize(
    ("setting", "value", "variable", "problem"),
    [
        ("max_allowed_packet", "1048576", "waba_database_host", "its max_allowed_packet is 1048576: "),
        ("binlog_format", "STATEMENT", "waba_database_host", "its binlog_format is STATEMENT: "),
        ("innodb_default_row_format", "compact", "waba_database_host", "its innodb_default_row_format is compact: "),
        ("innodb_read_only", "ON", "waba_database_host", "its innodb_read_only is ON: "),
        ("max_user_connections", "60", "waba_database_user", "the account may open 60 connections; 7 nodes"),
    ],
)
def test_a_server_setting_that_breaks_statements_is_reported(
    setting: str, value: str, variable: str, problem: str
) -> None:
    (found,) = check.server_problems({**FACTS, "settings": {**SETTINGS, setting: value}}, WANTED)
    assert found.variable == variable
    assert found.problem.startswith(problem)
    assert setting in found.fix or setting == "innodb_read_only"


def test_settings_that_a_server_does_not_have_are_no_problem() -> None:
    assert check.server_problems({**FACTS, "settings": {}}, WANTED) == []
    without_binary_log = {**SETTINGS, "log_bin": "OFF", "binlog_format": "STATEMENT"}
    assert check.server_problems({**FACTS, "settings": without_binary_log}, WANTED) == []


def test_an_account_with_all_privileges_is_a_warning() -> None:
    grants = ["GRANT ALL PRIVILEGES ON *.* TO `waba`@`%`"]
    (warning,) = check.server_warnings({**FACTS, "grants": grants}, WANTED)
    assert "on waba.*" in warning


def test_a_member_of_a_cluster_of_writers_is_a_warning() -> None:
    settings = {**FACTS["settings"], "wsrep_on": "ON", "innodb_flush_log_at_trx_commit": "1"}
    (warning,) = check.server_warnings({**FACTS, "settings": settings}, WANTED)
    assert "must lead to one member" in warning
    assert check.server_problems({**FACTS, "settings": settings}, WANTED) == []


@pytest.mark.parametrize(("writers", "is_refused"), [([], False), (["a"], False), (["a", "b"], True)])
def test_an_address_that_leads_to_several_writers_is_refused(writers: list[str], is_refused: bool) -> None:
    problems = check.server_problems({**FACTS, "writers": writers}, WANTED)
    assert ["members that write, a, b" in one.problem for one in problems] == [True] * is_refused


@pytest.mark.parametrize(("wsrep", "is_refused"), [("ON", True), ("OFF", False)])
def test_a_member_that_does_not_flush_every_commit_is_refused(wsrep: str, is_refused: bool) -> None:
    settings = {**FACTS["settings"], "wsrep_on": wsrep, "innodb_flush_log_at_trx_commit": "2"}
    problems = check.server_problems({**FACTS, "settings": settings}, WANTED)
    assert ["would lose acknowledged messages" in one.problem for one in problems] == [True] * is_refused


@pytest.mark.parametrize(
    ("code", "message", "variable", "problem"),
    [
        (3159, "Connections using insecure transport", "waba_database_tls_ca", "the server requires TLS"),
        (
            2003,
            "[SSL: CERTIFICATE_VERIFY_FAILED]",
            "waba_database_tls_ca",
            "the server's certificate does not identify",
        ),
        (2026, "SSL is required but the server", "waba_database_tls_ca", "the server has no TLS"),
        (2003, "Connection refused", "waba_database_host", "no database server answers there"),
        (None, "timed out", "waba_database_host", "no database server answers there"),
        (1203, "has already more than", "waba_database_user", "the account has no connection left"),
        (1129, "Host is blocked", "waba_database_host", "the server blocks this host"),
        (4151, "Access denied, this account is locked", "waba_database_host", "the server refuses the session"),
        (1053, "Server shutdown in progress", "waba_database_host", "the server refuses the session"),
    ],
)
def test_a_failed_login_names_the_setting_and_repeats_the_servers_message(
    code: int | None, message: str, variable: str, problem: str
) -> None:
    found = check.connection_problem("db:3306", "waba", code, message)
    assert found.variable == variable
    assert found.problem.startswith(problem)
    assert found.problem.endswith(message)
