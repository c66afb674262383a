# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a database server, and the account on it, will do for the nodes (sources: vendor facts, section 4.3; figures: the node's engine)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "DROP")  # vendor facts, 4.3
CONNECTIONS_PER_NODE = 8  # waba_node.store.engine, CONNECTIONS
SPARE_CONNECTIONS = (
    10  # ours: for the administrator, for back-ups, and for a node that starts while its former life ends
)
LOWEST = {"MySQL": (8, 0), "MariaDB": (10, 6)}  # ours: the oldest with atomic changes of tables and still under care
CHARSETS = ("utf8mb4",)
MOST_CLOCK_DIFFERENCE = (
    10  # seconds; ours: the nodes go by the database's clock, but logs and certificates by their hosts'
)
MEANINGS = {  # of an error code when connecting: (variable, problem, fix)
    1044: (
        "waba_database_user",
        "the server does not let this account use the database",
        "Grant it the privileges on it",
    ),
    1045: (
        "waba_database_user",
        "the server does not accept this account with its password",
        "Fix either, or make the account",
    ),
    1130: (
        "waba_database_user",
        "the server has no account for this host",
        "Make the account for the hosts of the nodes, as in 'waba'@'10.0.0.%'",
    ),
    1251: (
        "waba_database_user",
        "the account's way to log in is too old for the nodes",
        "Give it caching_sha2_password or mysql_native_password",
    ),
    1040: ("waba_database_host", "the server has no connection left", "Raise its max_connections"),
    3159: ("waba_database_tls_ca", "the server wants TLS", "Name the authority that signed its certificate"),
}
NO_TLS = ("waba_database_tls_ca", "the server has no TLS", "Give it a certificate, or leave this out")
TLS_MEANINGS = {  # of what the driver says, whatever the code
    "CERTIFICATE_VERIFY_FAILED": (
        "waba_database_tls_ca",
        "the server's certificate does not prove that it is this host",
        "Name the authority that signed it, and the host by a name that it has",
    ),
    "SSL is required": NO_TLS,
}
GRANT = re.compile(
    r"GRANT (?P<privileges>.+) ON (?:TABLE |DATABASE )?(?P<level>`(?:[^`]|``)*`|\*)\.(?P<table>`(?:[^`]|``)*`|\*) TO ",
    re.IGNORECASE,
)


def flavour(version, comment):
    """Return ("MySQL" or "MariaDB", (major, minor)) of what a server says of itself, both str."""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    name = "MariaDB" if "mariadb" in f"{version} {comment}".lower() else "MySQL"
    return name, (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def privileges_on(grants, database):
    """Return the privileges (set of str, upper case; "ALL PRIVILEGES" spelt out) that grants give on all of a database.

    grants: list of str, as from SHOW GRANTS. Privileges on single tables or columns do not count.
    """
    held = set()
    for grant in grants:
        found = GRANT.match(grant)
        if found and found["table"] == "*" and _covers(found["level"], database):
            listed = {
                re.sub(r"\s*\(.*\)", "", one).strip().upper() for one in re.split(r",(?![^(]*\))", found["privileges"])
            }
            held |= set(PRIVILEGES) if listed & {"ALL PRIVILEGES", "ALL"} else listed
    return held


def _covers(level, database):
    """Return whether a grant's database, which may be a pattern, is the one asked for."""
    if level == "*":
        return True
    pattern = level[1:-1].replace("``", "`")
    parts = re.findall(r"\\[_%\\]|.", pattern)
    expression = "".join(".*" if part == "%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, database) is not None


def connection_problem(address, user, code, said):
    """Return the Problem of a server that cannot be logged in to. address: str. code: int or None, the server's. said: str."""
    nobody = (
        "waba_database_host",
        "nothing answers there as a database",
        "Start it, open its port to this host, or fix the address",
    )
    told = [meaning for words, meaning in TLS_MEANINGS.items() if words in said]
    variable, problem, fix = told[0] if told else MEANINGS.get(code, nobody)
    value = user if variable == "waba_database_user" else address
    return Problem(variable, value, f"{problem}: {said}", fix)


def problems_of(facts, wanted):
    """Return what will not do (list of Problem).

    facts: {"version", "comment", "max_connections", "grants", "read_only", "clock_difference" (seconds), "charset" (of the database, None
    while there is none), "cipher" ("" without TLS)}. wanted: {"host", "user", "database", "nodes", "tls_ca"}.
    """
    host, found = wanted["host"], []
    if wanted["tls_ca"] and not facts["cipher"]:  # an older driver goes on without
        variable, problem, fix = NO_TLS
        found.append(Problem(variable, wanted["tls_ca"], problem, fix))
    name, version = flavour(facts["version"], facts["comment"])
    if version < LOWEST[name]:
        lowest = ".".join(str(number) for number in LOWEST[name])
        found.append(
            Problem(
                "waba_database_host",
                host,
                f"it runs {name} {facts['version']}, older than {lowest}",
                "Use a newer server",
            )
        )
    needed = wanted["nodes"] * CONNECTIONS_PER_NODE + SPARE_CONNECTIONS
    if facts["max_connections"] < needed:
        problem = f"its max_connections is {facts['max_connections']}; {wanted['nodes']} nodes open up to {needed - SPARE_CONNECTIONS}"
        found.append(Problem("waba_database_host", host, problem, f"Set max_connections to {needed} or more there"))
    lacking = [
        privilege for privilege in PRIVILEGES if privilege not in privileges_on(facts["grants"], wanted["database"])
    ]
    if lacking:
        problem = f"the account lacks {', '.join(lacking)} on {wanted['database']}"
        fix = f"GRANT {', '.join(PRIVILEGES)} ON {wanted['database']}.* TO this account"
        found.append(Problem("waba_database_user", wanted["user"], problem, fix))
    if facts["read_only"]:
        found.append(
            Problem(
                "waba_database_host",
                host,
                "the server is read-only, a replica perhaps",
                "Name the one that takes writes",
            )
        )
    if facts["charset"] not in (None, *CHARSETS):
        problem = f"the database {wanted['database']} has the character set {facts['charset']}, which cannot hold every message"
        found.append(
            Problem(
                "waba_database_name_prefix", wanted["database"], problem, "ALTER DATABASE it to CHARACTER SET utf8mb4"
            )
        )
    if abs(facts["clock_difference"]) > MOST_CLOCK_DIFFERENCE:
        problem = f"its clock differs from this host's by {facts['clock_difference']:.0f} s"
        found.append(Problem("waba_database_host", host, problem, "Let both follow the same time servers"))
    return found


def warnings_of(facts, wanted):
    """Return what will do, but should be known (list of str). Same arguments as problems_of."""
    if any(re.match(r"GRANT .*\bALL PRIVILEGES ON \*\.\*", grant, re.IGNORECASE) for grant in facts["grants"]):
        return [
            f"{wanted['user']} may do everything on {wanted['host']}. The nodes need {', '.join(PRIVILEGES)} on {wanted['database']}.* alone."
        ]
    return []
