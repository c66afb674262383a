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
    ("db1, db2", "waba_group_mysql", "db1, db2", "2 database hosts: two members stop when either is lost, since one is no majority", FIX),
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


def run(database_hosts: dict[str, dict[str, Any]], refused: list[Case]) -> dict[str, Any]:
    """Return a run with these database hosts and one host with nodes."""
    hosts = {name: {"waba_external_hostname": f"{name}.test", **given} for name, given in database_hosts.items()}
    nodes = {group: {"hosts": {"node": {"waba_external_hostname": HERE_KNOWN_BY}}} for group in NODES}
    return {
        "vars": {"waba_cluster_name": "waba-inputs", "waba_ha": False, "waba_publish_address": "nowhere"},
        "groups": {"waba_mysql": {"hosts": hosts}, **nodes},
        "refused": [*refused, NOWHERE],
    }


RUNS: dict[str, dict[str, Any]] = {
    "two_members": run({"db1": {}, "db2": {}}, TWO),
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
