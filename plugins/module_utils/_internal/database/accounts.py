# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements about accounts of the cluster's database. MariaDB and MySQL take all of them. Pure.

Two accounts alternate, because MariaDB has no second password of an account, as MySQL has (docs/adr/0033-rotation-in-three-phases.md).
The statements are quoted for sessions without SQL modes.
"""

from __future__ import annotations

ROOT = "root"
ANY_HOST = "%"


def text(value: str) -> str:
    """Return a SQL string."""
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "''"))


def account(name: str) -> str:
    """Return an account that may connect from every host."""
    return f"{text(name)}@{text(ANY_HOST)}"


def provide(name: str, password: str, database: str) -> str:
    """Return the statements after which an account exists, with this password, and has all privileges on a database."""
    quoted = "`{}`".format(database.replace("`", "``"))
    return "\n".join(
        [
            f"CREATE USER IF NOT EXISTS {account(name)} IDENTIFIED BY {text(password)};",
            f"ALTER USER {account(name)} IDENTIFIED BY {text(password)};",
            f"GRANT ALL ON {quoted}.* TO {account(name)};",
        ]
    )


def set_password(name: str, password: str) -> str:
    """Return the statement that gives an existing account another password."""
    return f"ALTER USER {account(name)} IDENTIFIED BY {text(password)};"


def count(name: str) -> str:
    """Return the query for the number of accounts of this name."""
    return f"SELECT COUNT(*) FROM mysql.user WHERE User = {text(name)} AND Host = {text(ANY_HOST)};"  # noqa: S608


def remove(name: str) -> str:
    """Return the statement after which an account does not exist. Its open connections stay."""
    return f"DROP USER IF EXISTS {account(name)};"
