# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.database import accounts


def test_names_and_passwords_are_quoted() -> None:
    assert accounts.text("a'b\\c") == "'a''b\\\\c'"
    assert accounts.remove("o'x") == "DROP USER IF EXISTS 'o''x'@'%';"
    assert "ON `wa``ba`.*" in accounts.provide("waba_2", "secret", "wa`ba")


def test_account_is_created_or_corrected() -> None:
    assert accounts.provide("waba_2", "secret", "waba").splitlines() == [
        "CREATE USER IF NOT EXISTS 'waba_2'@'%' IDENTIFIED BY 'secret';",
        "ALTER USER 'waba_2'@'%' IDENTIFIED BY 'secret';",
        "GRANT ALL ON `waba`.* TO 'waba_2'@'%';",
    ]
