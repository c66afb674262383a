# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks whether a database server, and an account on it, meet the requirements of the nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

# docs/reference/vendor-contract.md#database-account
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "DROP")
CONNECTIONS_PER_NODE = 8  # pool size of the open node
# For administrators, for backups, and for a restarted node whose old connections are still open.
SPARE_CONNECTIONS = 10
# docs/adr/0023-supported-versions.md
OLDEST_VERSIONS = {"MySQL": (8, 0), "MariaDB": (10, 6)}
CHARSET = "utf8mb4"
# Seconds. The nodes use the database's clock; logs and certificates use the clock of the host.
LARGEST_CLOCK_DIFFERENCE = 10
MEBIBYTE = 1 << 20
# Bytes. The open node sends up to 4 MiB of messages in one statement; escaping and encoding can multiply that by four.
SMALLEST_PACKET_LIMIT = 16 * MEBIBYTE

USER, HOST, TLS_CA, NAME = (
    f"waba_database_{suffix}" for suffix in ("user", "host", "tls_ca", "name_prefix")
)  # variables that a problem can name

NO_TLS = (TLS_CA, "the server has no TLS", "Give the server a certificate, or leave this variable out")
CONNECTION_PROBLEMS = {  # error code of the server: (variable, problem, fix)
    1040: (HOST, "the server has no connection left", "Raise its max_connections"),
    1044: (USER, "the account may not use the database", "Grant it the privileges on the database"),
    1045: (
        USER,
        "the server does not accept this account with its password",
        "Fix the user or the password, or create the account",
    ),
    1129: (HOST, "the server blocks this host after too many failed connections", "Run FLUSH HOSTS on the server"),
    1130: (
        USER,
        "the server has no account for this host",
        "Create the account for the hosts of the nodes, for example 'waba'@'10.0.0.%'",
    ),
    1203: (USER, "the account has no connection left", "Raise max_user_connections"),
    1226: (USER, "the account has reached a limit", "Raise the limit, for example MAX_USER_CONNECTIONS"),
    1251: (
        USER,
        "the nodes do not support the account's authentication plugin",
        "Use caching_sha2_password or mysql_native_password",
    ),
    3159: (TLS_CA, "the server requires TLS", "Set it to the authority that signed the server's certificate"),
}
TLS_PROBLEMS = {  # part of the driver's message, with any code: (variable, problem, fix)
    "CERTIFICATE_VERIFY_FAILED": (
        TLS_CA,
        "the server's certificate does not identify this host",
        "Set it to the authority that signed the certificate, and waba_database_host to a name in the certificate",
    ),
    "SSL is required": NO_TLS,
}
UNREACHABLE = (
    HOST,
    "no database server answers there",
    "Start the server, open its port to this host, or fix the address",
)
REFUSED = (HOST, "the server refuses the session", "Fix what the server reports")
CLIENT_ERRORS = range(2000, 3000)  # codes of the client library: the server did not answer

GRANT = re.compile(
    r"GRANT (?P<privileges>.+) ON (?:TABLE |DATABASE )?(?P<level>`(?:[^`]|``)*`|\*)\.(?P<table>`(?:[^`]|``)*`|\*) TO ",
    re.IGNORECASE,
)


class Requirement(NamedTuple):
    """A server setting that the nodes' statements depend on. is_met: from {setting: value} to whether it is sufficient."""

    setting: str
    is_met: Callable[[dict[str, str]], bool]
    reason: str
    fix: str


REQUIREMENTS = (
    Requirement(
        "max_allowed_packet",
        lambda settings: int(settings["max_allowed_packet"]) >= SMALLEST_PACKET_LIMIT,
        "the server would refuse large statements",
        f"Set max_allowed_packet to {SMALLEST_PACKET_LIMIT // MEBIBYTE}M or more there",
    ),
    Requirement(
        "binlog_format",
        lambda settings: settings["log_bin"] == "OFF" or settings["binlog_format"] != "STATEMENT",
        "the server would refuse every write in the isolation level READ COMMITTED",
        "Set binlog_format to ROW or MIXED there",
    ),
    Requirement(
        "innodb_default_row_format",
        lambda settings: settings["innodb_default_row_format"].lower() == "dynamic",
        "the server would refuse indexes on text columns",
        "Set innodb_default_row_format to dynamic there",
    ),
    Requirement(
        "innodb_read_only",
        lambda settings: settings["innodb_read_only"] == "OFF",
        "the server would refuse every write",
        "Start the server without innodb_read_only",
    ),
    Requirement(
        "innodb_flush_log_at_trx_commit",
        lambda settings: settings.get("wsrep_on", "OFF") == "OFF" or settings["innodb_flush_log_at_trx_commit"] == "1",
        "members of a cluster that fail together would lose acknowledged messages",
        "Set innodb_flush_log_at_trx_commit to 1 on every member",
    ),
)
# Settings to read: of the requirements, and the account's own limit.
SETTINGS = (*(requirement.setting for requirement in REQUIREMENTS), "log_bin", "max_user_connections", "wsrep_on")


def server_version(version: str, comment: str) -> tuple[str, tuple[int, int]]:
    """Return ("MySQL" or "MariaDB", (major, minor)) from the server's version and version comment."""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    name = "MariaDB" if "mariadb" in f"{version} {comment}".lower() else "MySQL"
    return name, (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def privileges_on(grants: Iterable[str], database: str) -> set[str]:
    """Return the privileges (upper case, ALL PRIVILEGES expanded) that grants give on every table of a database.

    grants: lines of SHOW GRANTS, with identifiers in backticks. Privileges on single tables or columns do not count.
    """
    held: set[str] = set()
    for grant in grants:
        found = GRANT.match(grant)
        if found and found["table"] == "*" and _covers(found["level"], database):
            listed = {
                re.sub(r"\s*\(.*\)", "", one).strip().upper() for one in re.split(r",(?![^(]*\))", found["privileges"])
            }
            held |= set(PRIVILEGES) if listed & {"ALL PRIVILEGES", "ALL"} else listed
    return held


def _covers(level: str, database: str) -> bool:
    """Return whether the database of a grant, which may be a pattern, matches a database."""
    if level == "*":
        return True
    pattern = level[1:-1].replace("``", "`")
    parts = re.findall(r"\\[_%\\]|.", pattern)
    expression = "".join(".*" if part == "%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, database) is not None


def connection_problem(address: str, user: str, code: int | None, message: str) -> Problem:
    """Return the problem with a login that failed.

    address: "host:port". code: the error code of the server or the client library, None if unknown. message: its text.
    """
    by_message = [problem for part, problem in TLS_PROBLEMS.items() if part in message]
    unknown = UNREACHABLE if code is None or code in CLIENT_ERRORS else REFUSED
    by_code = unknown if code is None else CONNECTION_PROBLEMS.get(code, unknown)
    variable, problem, fix = by_message[0] if by_message else by_code
    return Problem(variable, user if variable == USER else address, f"{problem}: {message}", fix)


def server_problems(facts: dict[str, Any], wanted: dict[str, Any]) -> list[Problem]:
    """Return the requirements that a server does not meet.

    facts: see `database.io.server.read_facts`. wanted: {"host", "user", "database", "nodes", "tls_ca"}.
    """
    host, database, problems = wanted["host"], wanted["database"], []
    if wanted["tls_ca"] and not facts["cipher"]:  # old drivers fall back to a connection without TLS
        variable, problem, fix = NO_TLS
        problems.append(Problem(variable, wanted["tls_ca"], problem, fix))
    name, version = server_version(facts["version"], facts["comment"])
    if version < OLDEST_VERSIONS[name]:
        oldest = ".".join(str(number) for number in OLDEST_VERSIONS[name])
        problem = f"it runs {name} {facts['version']}, older than {oldest}"
        problems.append(Problem(HOST, host, problem, "Use a newer server"))
    problems += _connection_limits(facts, wanted)
    missing = [privilege for privilege in PRIVILEGES if privilege not in privileges_on(facts["grants"], database)]
    if missing:
        problem = f"the account lacks {', '.join(missing)} on {database}"
        fix = f"GRANT {', '.join(PRIVILEGES)} ON {database}.* TO this account"
        problems.append(Problem(USER, wanted["user"], problem, fix))
    if facts["read_only"]:
        fix = "Use the server that accepts writes"
        problems.append(Problem(HOST, host, "the server is read-only; it may be a replica", fix))
    if len(facts["writers"]) > 1:
        problem = f"the address leads to several members that write, {', '.join(facts['writers'])}: messages would lose their order"
        fix = "Use an address that leads to one member at a time, or set read_only on the others"
        problems.append(Problem(HOST, host, problem, fix))
    if facts["charset"] not in (None, CHARSET):
        problem = f"the database {database} has the character set {facts['charset']}, which cannot store every message"
        problems.append(Problem(NAME, database, problem, f"ALTER DATABASE {database} CHARACTER SET {CHARSET}"))
    if abs(facts["clock_difference"]) > LARGEST_CLOCK_DIFFERENCE:
        problem = f"its clock differs from this host's by {facts['clock_difference']:.0f} s"
        problems.append(Problem(HOST, host, problem, "Synchronize both with the same time servers"))
    settings = facts["settings"]
    problems += [
        Problem(HOST, host, f"its {one.setting} is {settings[one.setting]}: {one.reason}", one.fix)
        for one in REQUIREMENTS
        if one.setting in settings and not one.is_met(settings)
    ]
    return problems


def _connection_limits(facts: dict[str, Any], wanted: dict[str, Any]) -> list[Problem]:
    nodes = wanted["nodes"]
    opened = nodes * CONNECTIONS_PER_NODE
    needed, problems = opened + SPARE_CONNECTIONS, []
    if facts["max_connections"] < needed:
        problem = f"its max_connections is {facts['max_connections']}; {nodes} nodes open up to {opened}"
        problems.append(
            Problem(HOST, wanted["host"], problem, f"Set max_connections to {needed} or more on the server")
        )
    limit = int(facts["settings"].get("max_user_connections", 0))
    if 0 < limit < needed:
        problem = f"the account may open {limit} connections; {nodes} nodes open up to {opened}"
        fix = f"Set max_user_connections to {needed} or more, for the server or the account"
        problems.append(Problem(USER, wanted["user"], problem, fix))
    return problems


def server_warnings(facts: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return warnings about a server that meets the requirements. Arguments as for `server_problems`."""
    warnings = []
    if any(re.match(r"GRANT .*\bALL PRIVILEGES ON \*\.\*", grant, re.IGNORECASE) for grant in facts["grants"]):
        warnings.append(
            f"The account {wanted['user']} has all privileges on {wanted['host']}. "
            f"The nodes need only {', '.join(PRIVILEGES)} on {wanted['database']}.*."
        )
    if facts["settings"].get("wsrep_on", "OFF") != "OFF":
        warnings.append(
            f"{wanted['host']} is a member of a Galera cluster. The address must lead to one member at a time: with several writers, messages lose their order."
        )
    return warnings
