"""Database hosts that cannot form one database."""

from __future__ import annotations

from typing import Any

from .common import HERE_KNOWN_BY, Case

NODES = ("waba_masters", "waba_coreapps", "waba_webapps")
FIX = "Put one or 3 hosts into the group waba_mysql"
# Without a plan the hosts do not try to reach each other.
NOWHERE: Case = (
    "every host", "waba_publish_address (publish_address)", "nowhere", "it is not an IP address", "Give an address of this host, or '' for all",
)  # fmt: skip
TWO: list[Case] = [
    ("db1, db2", "waba_group_mysql", "db1, db2", "2 database hosts: two members stop when either is lost, since one is no majority",
     f"{FIX}; or put another host into the group waba_arbitrator, which votes and stores no data"),
]  # fmt: skip
FOUR: list[Case] = [
    ("db1, db2, db3, db4", "waba_group_mysql", "db1, db2, db3, db4", "4 database hosts: they add no safety", FIX),
]  # fmt: skip
UNEVEN: list[Case] = [
    ("db2", "waba_mysql_image", "waba/mariadb:v2.0.0", "the first database member has 'waba/mariadb:v1.0.0'", "Give all members the same"),
    ("db2", "waba_mysql_options.innodb_flush_log_at_trx_commit", 2, "members that fail together would lose acknowledged messages",
     "Set it to 1, or leave it out"),
    ("db3", "waba_mysql_image", "waba/mysql:v1.0.0", "the first database member has 'waba/mariadb:v1.0.0'", "Give all members the same"),
    ("db3", "waba_mysql_image", "waba/mysql:v1.0.0", "MySQL cannot run on several hosts", "Use waba/mariadb"),
    ("db3", "waba_mysql_member_ca", "/etc/waba/ca.pem", "the first database member does not encrypt its traffic",
     "Set it for all members, or for none"),
    ("db3", "waba_mysql_member_ca (member_ca)", "/etc/waba/ca.pem", "there is no such file", "Put it there, or fix the path"),
    ("db3", "waba_mysql_member_certificate (member_certificate)", "(not set)", "members identify each other with certificates of their own",
     "Set the member's certificate and key too, or none of the three"),
    ("db3", "waba_database_port", 3310, "members and proxies use port 3306", "Leave it out"),
    ("db3", "waba_database_port", 3310, "most hosts of the cluster have none", "Give all hosts of a cluster the same, as in group_vars/all"),
]  # fmt: skip
WITHOUT_TWO = "Leave the group waba_arbitrator empty, or put two hosts into the group waba_mysql"
ARBITRATOR_OF_ONE: list[Case] = [
    ("vote", "waba_group_arbitrator", "vote", "an arbitrator votes with 2 database hosts, and the group waba_mysql has 1 (db1)", WITHOUT_TWO),
]  # fmt: skip
ARBITRATOR_OF_THREE: list[Case] = [
    ("vote", "waba_group_arbitrator", "vote", "an arbitrator votes with 2 database hosts, and the group waba_mysql has 3 (db1, db2, db3)", WITHOUT_TWO),
]  # fmt: skip
ARBITRATOR_AMONG_MEMBERS: list[Case] = [
    ("db2", "waba_group_arbitrator", "db2", "db2 has a database member too, so its loss would take two of three votes",
     "Put a host into the group waba_arbitrator that is not in the group waba_mysql"),
]  # fmt: skip
TWO_ARBITRATORS: list[Case] = [
    ("vote1, vote2", "waba_group_arbitrator", "vote1, vote2", "2 arbitrators: two members need one", "Leave one host in the group waba_arbitrator"),
]  # fmt: skip
UNEVEN_ARBITRATOR: list[Case] = [
    ("vote", "waba_mysql_image", "waba/mariadb:v2.0.0", "the first database member has 'waba/mariadb:v1.0.0'", "Give all members the same"),
    ("vote", "waba_mysql_member_ca", "/etc/waba/ca.pem", "the first database member does not encrypt its traffic",
     "Set it for all members, or for none"),
    ("vote", "waba_mysql_member_ca (member_ca)", "/etc/waba/ca.pem", "there is no such file", "Put it there, or fix the path"),
    ("vote", "waba_mysql_member_certificate (member_certificate)", "(not set)", "members identify each other with certificates of their own",
     "Set the member's certificate and key too, or none of the three"),
]  # fmt: skip


def known_hosts(given: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return hosts with names of their own. given: {host: settings}."""
    return {name: {"waba_external_hostname": f"{name}.test", **settings} for name, settings in given.items()}


def run(
    database_hosts: dict[str, dict[str, Any]],
    refused: list[Case],
    arbitrators: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a run with these database hosts and arbitrators, and one host with nodes."""
    votes = {"waba_arbitrator": {"hosts": known_hosts(arbitrators)}} if arbitrators else {}
    nodes = {group: {"hosts": {"node": {"waba_external_hostname": HERE_KNOWN_BY}}} for group in NODES}
    return {
        "vars": {"waba_cluster_name": "waba-inputs", "waba_ha": False, "waba_publish_address": "nowhere"},
        "groups": {"waba_mysql": {"hosts": known_hosts(database_hosts)}, **votes, **nodes},
        "refused": [*refused, NOWHERE],
    }


RUNS: dict[str, dict[str, Any]] = {
    "two_members": run({"db1": {}, "db2": {}}, TWO),
    "arbitrator_of_one": run({"db1": {}}, ARBITRATOR_OF_ONE, {"vote": {}}),
    "arbitrator_of_three": run({"db1": {}, "db2": {}, "db3": {}}, ARBITRATOR_OF_THREE, {"vote": {}}),
    "arbitrator_among_members": run({"db1": {}, "db2": {}}, ARBITRATOR_AMONG_MEMBERS, {"db2": {}}),
    "two_arbitrators": run({"db1": {}, "db2": {}}, TWO_ARBITRATORS, {"vote1": {}, "vote2": {}}),
    "uneven_arbitrator": run(
        {"db1": {}, "db2": {}},
        UNEVEN_ARBITRATOR,
        {"vote": {"waba_mysql_image": "waba/mariadb:v2.0.0", "waba_mysql_member_ca": "/etc/waba/ca.pem"}},
    ),
    "four_members": run({f"db{number}": {} for number in (1, 2, 3, 4)}, FOUR),
    "uneven_members": run(
        {
            "db1": {},
            "db2": {
                "waba_mysql_image": "waba/mariadb:v2.0.0",
                "waba_mysql_options": {"innodb_flush_log_at_trx_commit": 2},
            },
            "db3": {
                "waba_mysql_image": "waba/mysql:v1.0.0",
                "waba_mysql_member_ca": "/etc/waba/ca.pem",
                "waba_database_port": 3310,
            },
        },
        UNEVEN,
    ),
}
