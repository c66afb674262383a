# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.database import check as database
from hypothesis import given
from hypothesis import strategies as st

ALL = set(database.PRIVILEGES)
FACTS = {
    "version": "8.4.3",
    "comment": "MySQL Community Server",
    "max_connections": 500,
    "grants": ["GRANT USAGE ON *.* TO `waba`@`%`", "GRANT ALL PRIVILEGES ON `waba`.* TO `waba`@`%`"],
    "read_only": 0,
    "clock_difference": 0.2,
    "charset": None,
    "cipher": "TLS_AES_256_GCM_SHA384",
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
def test_a_grant_holds_for_the_whole_database_or_not_at_all(grant, held):
    assert database.privileges_on([grant], "waba") & ALL == held


@given(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1))
def test_a_name_escaped_as_mysql_does_covers_itself_alone(name):
    pattern = name.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%").replace("`", "``")
    grants = [f"GRANT SELECT ON `{pattern}`.* TO `waba`@`%`"]
    assert database.privileges_on(grants, name) == {"SELECT"}
    assert database.privileges_on(grants, f"{name}x") == set()


def test_a_sound_server_has_no_problem():
    assert database.problems_of(FACTS, WANTED) == []
    assert database.warnings_of(FACTS, WANTED) == []


@pytest.mark.parametrize(
    ("changes", "variable", "wrong"),
    [
        ({"version": "5.7.44"}, "waba_database_host", "it runs MySQL 5.7.44, older than 8.0"),
        ({"version": "10.5.1-MariaDB"}, "waba_database_host", "it runs MariaDB 10.5.1-MariaDB, older than 10.6"),
        ({"max_connections": 65}, "waba_database_host", "its max_connections is 65; 7 nodes open up to 56"),
        (
            {"grants": FACTS["grants"][:1]},
            "waba_database_user",
            f"the account lacks {', '.join(database.PRIVILEGES)} on waba",
        ),
        ({"cipher": ""}, "waba_database_tls_ca", "the server has no TLS"),
        ({"read_only": 1}, "waba_database_host", "the server is read-only, a replica perhaps"),
        (
            {"charset": "latin1"},
            "waba_database_name_prefix",
            "the database waba has the character set latin1, which cannot hold every message",
        ),
        ({"clock_difference": -61.2}, "waba_database_host", "its clock differs from this host's by -61 s"),
    ],
)
def test_what_will_not_do_is_named(changes, variable, wrong):
    (problem,) = database.problems_of({**FACTS, **changes}, WANTED)
    assert (problem.variable, problem.problem) == (variable, wrong)


def test_an_account_that_may_do_everything_is_worth_a_warning():
    grants = ["GRANT ALL PRIVILEGES ON *.* TO `waba`@`%`"]
    (warning,) = database.warnings_of({**FACTS, "grants": grants}, WANTED)
    assert "on waba.* alone" in warning


@pytest.mark.parametrize(
    ("code", "said", "variable", "wrong"),
    [
        (3159, "Connections using insecure transport", "waba_database_tls_ca", "the server wants TLS"),
        (2003, "[SSL: CERTIFICATE_VERIFY_FAILED]", "waba_database_tls_ca", "the server's certificate does not prove"),
        (2026, "SSL is required but the server", "waba_database_tls_ca", "the server has no TLS"),
        (2003, "Connection refused", "waba_database_host", "nothing answers there as a database"),
    ],
)
def test_why_there_is_no_session_is_told(code, said, variable, wrong):
    problem = database.connection_problem("db:3306", "waba", code, said)
    assert problem.variable == variable
    assert problem.problem.startswith(wrong)
    assert problem.problem.endswith(said)
