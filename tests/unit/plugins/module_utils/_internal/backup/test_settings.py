# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import settings

KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
DATABASE = {"name": "blue_waba", "address": "db.example.com", "port": 3307}


def given(**changed: Any) -> dict[str, Any]:
    return {
        "waba_cluster_name": "waba",
        "waba_dir": "/opt/waba",
        "waba_backup_schedule": "30  2 * * *",
        "waba_backup_path": "/var/backups/waba",
        "waba_backup_recipients": [KEY],
        "waba_backup_keep": 14,
        "waba_backup_keep_days": 0,
        "waba_backup_copy_command": [],
        "waba_backup_copy_timeout": 3600,
        "waba_backup_metrics_path": "",
        "waba_backup_max_age": 26,
        "waba_backup_media": False,
        "waba_database_user": "waba",
        "waba_database_tls_ca": "",
        "waba_database_tls_certificate": "",
        "waba_database_tls_key": "",
        "waba_coreapp_image": "waba/node:v1.0.0",
        "waba_mysql_image": "waba/mariadb:v1.0.0",
        "waba_volumes": {"media": {"type": "named", "source": "whatsappMedia"}},
        **changed,
    }


def test_valid_settings_and_a_cluster_without_a_schedule_have_no_problem() -> None:
    assert settings.problems(given()) == []
    assert settings.problems(given(waba_backup_schedule="", waba_backup_keep=-1)) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("waba_backup_schedule", "daily", "it has 1 fields, not 5"),
        ("waba_backup_keep", 0, "it is below 1"),
        ("waba_backup_keep_days", -1, "it is below 0"),
        ("waba_backup_copy_timeout", 0, "it is below 1"),
        ("waba_backup_max_age", 0, "it is below 1"),
        ("waba_backup_path", "backups", "it is not an absolute path without blanks and %"),
        ("waba_backup_path", "", "it is not an absolute path without blanks and %"),
        ("waba_backup_metrics_path", "/a b", "it is not an absolute path without blanks and %"),
        ("waba_backup_copy_command", ["true"], "it does not name the archive"),
    ],
)
def test_an_invalid_setting_is_refused_by_name(name: str, value: object, problem: str) -> None:
    (found,) = settings.problems(given(**{name: value}))
    assert (found.variable, found.problem) == (name, problem)


def test_a_schedule_is_refused_with_the_vendors_images() -> None:
    image = "docker.whatsapp.biz/coreapp:v2.53.0"
    (found,) = settings.problems(given(waba_coreapp_image=image))
    problem = f"the vendor's image {image} has no command that reads the state of a database"
    assert (found.variable, found.problem) == ("waba_backup_schedule", problem)


def test_a_slash_at_the_end_of_the_folder_is_ignored() -> None:
    """Otherwise the folder itself would count as the one above, which must exist."""
    values = given(waba_backup_path="/var/backups/waba/")
    assert settings.problems(values) == []
    assert settings.options(values, DATABASE, runs_database=True)["folder"] == "/var/backups/waba"


def test_a_copy_command_may_name_the_archive_by_its_variable() -> None:
    command = ["sh", "-c", 'gpg --sign "$WABA_BACKUP_ARCHIVE"']
    assert settings.problems(given(waba_backup_copy_command=command)) == []


def test_the_host_of_backups_runs_the_database_or_a_master() -> None:
    assert settings.host_problems("", ["db1"], ["a"], []) == []
    assert settings.host_problems("a", ["db1"], ["a"], []) == []
    (problem,) = settings.host_problems("web", ["db1"], ["a", "db1"], [])
    assert (problem.variable, problem.value, problem.fix) == ("waba_backup_host", "web", "Name one of db1, a")
    (problem,) = settings.host_problems("a", ["db1", "db2", "db3"], ["a"], ["db1", "db2", "db3"])
    assert problem.problem == "it runs no database member"


def test_the_host_of_the_database_needs_no_address() -> None:
    options = settings.options(given(), DATABASE, runs_database=True)
    assert options["database"] == {"name": "blue_waba", "user": "waba", "password_file": "/opt/waba/mysql.env"}
    assert options["schedule"] == "30 2 * * *"
    assert "media" not in options


def test_another_host_calls_the_server_as_the_nodes_do() -> None:
    values = given(waba_database_tls_ca="/etc/ca.pem", waba_backup_media=True)
    options = settings.options(values, DATABASE, runs_database=False)
    assert options["database"] == {
        "name": "blue_waba",
        "user": "waba",
        "password_file": "/opt/waba/db.env",
        "host": "db.example.com",
        "port": 3307,
        "tls_ca": "/etc/ca.pem",
    }
    assert options["media"] == {"type": "named", "source": "whatsappMedia"}
