# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a database server about itself, by PyMySQL. Only looks."""

from __future__ import annotations

import ssl
import time

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

try:
    import pymysql

    HAS_PYMYSQL = True
except ImportError:
    HAS_PYMYSQL = False


class Refused(HostError):
    """There is no session with the server. code: int, the server's error, or None when it was not asked."""

    def __init__(self, code, said):
        super().__init__(said)
        self.code = code


def _context(tls):
    """Return the TLS settings (ssl.SSLContext), as strict as the nodes': the certificate must name the host. Raises HostError."""
    try:
        context = ssl.create_default_context(cafile=tls["ca"])
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as the nodes, whatever this host's Python
        if tls.get("certificate"):
            context.load_cert_chain(tls["certificate"], tls.get("key"))
    except OSError as error:  # ssl.SSLError is one
        raise HostError(f"The files of waba_database_tls_* cannot be used: {error}") from error
    return context


def look(account, database, timeout):
    """Return what database.check judges (dict).

    account: {"host", "port", "user", "password", "tls": None or {"ca", "certificate", "key"}}. database: str. timeout: seconds.
    Raises Refused and HostError.
    """
    tls = {"ssl": _context(account["tls"])} if account["tls"] else {}
    try:
        connection = pymysql.connect(
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
        code, said = (*error.args, "")[:2]
        raise Refused(code if isinstance(code, int) else None, str(said or code)) from error
    except RuntimeError as error:  # PyMySQL without cryptography, asked for caching_sha2_password
        raise HostError(f"{error}. Install the Debian package python3-cryptography on this host.") from error
    with connection, connection.cursor() as cursor:
        try:
            return _facts(cursor, database)
        except pymysql.err.MySQLError as error:
            raise HostError(f"{account['host']} does not tell about itself: {error}") from error


def _facts(cursor, database):
    def rows(query, *arguments):
        cursor.execute(query, arguments)
        return cursor.fetchall()

    before = time.time()
    (facts,) = rows(
        "SELECT VERSION() AS version, @@version_comment AS comment, @@max_connections AS max_connections, "
        "@@global.read_only AS read_only, UNIX_TIMESTAMP(NOW(6)) AS now, CURRENT_ROLE() AS role"
    )
    role = facts.pop("role")
    # What the account may do by its roles too; MariaDB lists that by itself.
    using = f" USING {role}" if role and role != "NONE" and "mariadb" not in facts["version"].lower() else ""
    grants = [next(iter(row.values())) for row in rows(f"SHOW GRANTS FOR CURRENT_USER(){using}")]
    charset = rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", database
    )
    (cipher,) = rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    return {
        **facts,
        "grants": grants,
        "charset": charset[0]["name"] if charset else None,
        "clock_difference": float(facts.pop("now")) - (before + time.time()) / 2,
        "cipher": cipher["Value"],
    }
