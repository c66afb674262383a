# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads facts from a database server with PyMySQL. Read-only."""

from __future__ import annotations

import ssl
import time
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.database.check import SETTINGS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.client_tls import client_context

try:
    import pymysql

    HAS_PYMYSQL = True
except ImportError:
    HAS_PYMYSQL = False

# The server's own modes decide how SHOW GRANTS quotes identifiers; the session sets them.
SESSION = "SET SESSION sql_mode = '', sql_quote_show_create = 1"


LOGINS = 8  # to find out whether an address leads to several members in turn or at random


class LoginFailed(HostError):
    """The login failed. code: error code of the server or the client library, None if there is none."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message)
        self.code = code


def _tls_context(tls: dict[str, Any]) -> ssl.SSLContext:
    """Return TLS settings that are as strict as the nodes': the certificate must contain the host name. Raises HostError."""
    try:
        context = client_context(tls["ca"])
        if tls.get("certificate"):
            context.load_cert_chain(tls["certificate"], tls.get("key"))
    except OSError as error:  # ssl.SSLError is one
        raise HostError(f"Cannot use the files of waba_database_tls_*: {error}") from error
    return context


def read_facts(account: dict[str, Any], database: str, timeout: float) -> dict[str, Any]:
    """Return the facts that `database.check.server_problems` checks.

    {"version", "comment", "max_connections", "read_only", "grants": list of str, "charset": of the database or None if it
    does not exist, "clock_difference": seconds, "cipher": "" without TLS, "settings": {name: value as str}, "writers": names of
    the Galera members that accept writes among those that new connections lead to}.

    account: {"host", "port", "user", "password", "tls": None or {"ca", "certificate", "key"}}. timeout: seconds.
    Raises LoginFailed and HostError.
    """
    try:
        with _connect(account, timeout) as connection, connection.cursor() as cursor:
            facts = _facts(cursor, database)
        if facts["settings"].get("wsrep_on", "OFF") == "OFF":
            return {**facts, "writers": []}
        writers = {name for name in (_writer(account, timeout) for _login in range(LOGINS)) if name}
        return {**facts, "writers": sorted(writers)}
    except pymysql.err.MySQLError as error:
        raise HostError(f"The database server {account['host']} answered a query with an error: {error}") from error


def _connect(account: dict[str, Any], timeout: float) -> Any:
    """Return a connection. Arguments as for `read_facts`. Raises LoginFailed and HostError."""
    tls: dict[str, Any] = {"ssl": _tls_context(account["tls"])} if account["tls"] else {}
    try:
        return pymysql.connect(
            host=account["host"],
            port=account["port"],
            user=account["user"],
            password=account["password"],
            connect_timeout=timeout,
            read_timeout=timeout,
            charset="utf8mb4",
            cursorclass=pymysql.cursors.DictCursor,
            **tls,
        )
    except pymysql.err.MySQLError as error:
        code, message = (*error.args, "")[:2]
        raise LoginFailed(code if isinstance(code, int) else None, str(message or code)) from error
    except RuntimeError as error:  # PyMySQL without cryptography cannot do caching_sha2_password
        raise HostError(f"{error}. Install the Debian package python3-cryptography on this host.") from error


def _writer(account: dict[str, Any], timeout: float) -> str:
    """Return the name of the Galera member that a new connection leads to, "" if it refuses writes."""
    with _connect(account, timeout) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@wsrep_node_name AS name, @@global.read_only AS read_only")
        (found,) = cursor.fetchall()
    return "" if found["read_only"] else str(found["name"])


def _facts(cursor: Any, database: str) -> dict[str, Any]:
    def rows(query: str, *arguments: object) -> list[dict[str, Any]]:
        cursor.execute(query, arguments)
        return cursor.fetchall()

    rows(SESSION)
    before = time.time()
    (facts,) = rows(
        "SELECT VERSION() AS version, @@version_comment AS comment, @@max_connections AS max_connections, "
        "@@global.read_only AS read_only, UNIX_TIMESTAMP(NOW(6)) AS now, CURRENT_ROLE() AS role"
    )
    clock_difference = float(facts.pop("now")) - (before + time.time()) / 2
    role = facts.pop("role")
    # MySQL lists the privileges of active roles only on request; MariaDB lists them always.
    using = f" USING {role}" if role and role != "NONE" and "mariadb" not in facts["version"].lower() else ""
    grants = [next(iter(row.values())) for row in rows(f"SHOW GRANTS FOR CURRENT_USER(){using}")]
    charset = rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", database
    )
    (cipher,) = rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    settings = rows(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({', '.join(['%s'] * len(SETTINGS))})", *SETTINGS)
    return {
        **facts,
        "grants": grants,
        "charset": charset[0]["name"] if charset else None,
        "clock_difference": clock_difference,
        "cipher": cipher["Value"],
        "settings": {row["Variable_name"].lower(): row["Value"] for row in settings},
    }
