"""Settings that contradict a host, another host, or the rest of the cluster."""

from __future__ import annotations

from typing import Any

from . import backups
from .common import (
    CROWD,
    FIRST,
    HERE,
    HERE_KNOWN_BY,
    HIDDEN,
    MEMORY,
    NO_NFS,
    SAME,
    TAKEN_PORT,
    TAKEN_RANGE,
    THERE_KNOWN_BY,
    VENDOR,
    Case,
    source_towards,
)

ASKED = "first, namesake, itself, odd, single"  # the reachable hosts of the second run
BETWEEN_HOSTS: list[Case] = [
    (ASKED, "waba_master_instances (masters_total)", 1, "a highly available cluster needs 2 masters or more",
     "Add masters, or set ha (waba_ha) to false"),
    (ASKED, "waba_coreapp_instances (coreapps_total)", 1, "4 shard(s) need 5 coreapps or more, so that one stands by",
     "Add coreapps, or use fewer shards (waba_shards)"),
    (ASKED, "waba_database_host (database_address.host)", "127.0.0.1", "nothing answers at port 1: Connection refused",
     "Start the database, open its port to this host, or fix the address"),
    # Without a plan the hosts do not try to reach each other; molecule/production tests that.
    (ASKED, "waba_publish_address (publish_address)", "nowhere", "it is not an IP address", "Give an address of this host, or '' for all"),
    ("namesake", "waba_external_hostname (external_hostname)", "first.test", "first has the same name", "Give every host its own"),
    ("itself", "waba_external_hostname (external_hostname)", "localhost", "under this name the other hosts find themselves, not this one",
     "Give a name or address that they can reach"),
    ("single", "waba_layout (layout)", "single_server", "most hosts of the cluster have 'role'", "Give all hosts of a cluster the same"),
    ("single", "waba_layout (layout)", "single_server", "on 5 hosts the nodes cannot find each other by service name", "Set it to role"),
    ("odd", "waba_cluster_name (cluster_name)", "another", "most hosts of the cluster have 'waba-inputs'",
     "Give all hosts of a cluster the same"),
    ("odd", "waba_admin_password", HIDDEN, "most hosts of the cluster have none", SAME),
    ("odd", "waba_database_user", "other", "most hosts of the cluster have none", SAME),
    ("first, namesake, broken, gone, itself, odd", "waba_ipv6", False,
     "other hosts have IPv6 addresses only, which containers do not reach without it", "Set it to true for all hosts, as in group_vars/all"),
    ("gone", "ansible_host", "(as in the inventory)",
     "it cannot be reached: Failed to connect to the host via ssh: ssh: connect to host 127.0.0.1 port 1: Connection refused",
     "Start it, or fix how Ansible connects to it"),
    ("broken", "(the check itself)", "(no answer)", "The module interpreter '/nowhere/python3' was not found.",
     "Fix that on the host, then run again"),
]  # fmt: skip

ON_THE_HOST: list[Case] = [
    ("here", "waba_coreapp_instances (coreapps[0].ports)", str(TAKEN_RANGE), f"port {TAKEN_RANGE} (coreapp wacore) is taken by {HERE}",
     "Stop it, or give this instance other ports"),
    ("here", "waba_webapp_instances (webapps[0].port)", str(TAKEN_PORT), f"port {TAKEN_PORT} (webapp waweb) is taken by {HERE}",
     "Stop it, or give this instance other ports"),
    ("here", "memory", f"{MEMORY} MB", f"its {CROWD + 3} containers need about {1024 * (CROWD + 2) + 512} MB",
     "Give the host more memory, or fewer instances"),
    ("here", "waba_webapp_certificate (certificate)", "/nowhere/web.pem", "there is no such file", "Put it there, or fix the path"),
    ("here", "waba_webapp_certificate_key (certificate_key)", "/nowhere/web.key", "there is no such file", "Put it there, or fix the path"),
    ("here", "waba_database_host (database_address.host)", "no-such-host.invalid", "nothing answers at port 3306: Name or service not known",
     "Start the database, open its port to this host, or fix the address"),
    # A kernel with NFS is accepted; molecule/nfs tests mounts with such a kernel.
    *([("here", "waba_group_nfs_clients (nfs)", True, "this host's kernel has no NFS client, neither built in nor as a module",
        "Install a kernel that has one, or do without shared media here")] if NO_NFS else []),
]  # fmt: skip


def unknown_source(host: str, peer: str, address: str) -> Case:
    source = source_towards(address)
    problem = f"{host} would come to {peer} from {source}, which is none of the addresses that the others know it by"
    fix = f"Set it to ['{source}'] for this host, or let waba_external_hostname lead to that address"
    return (host, "waba_firewall_addresses (firewall_addresses)", "(not set)", problem, fix)


FIREWALL: list[Case] = [
    ("every host", "waba_publish_address (publish_address)", "nowhere", "it is not an IP address", "Give an address of this host, or '' for all"),
    ("here, there", "waba_external_hostname (external_hostname)", "lost.invalid", "no address of lost is found under this name",
     "Have the name in DNS, or use an address"),
    unknown_source("here", "there", THERE_KNOWN_BY),
    unknown_source("there", "here", HERE_KNOWN_BY),
]  # fmt: skip

NOT_HERE = "this host has no such address"
ELSEWHERE: list[Case] = [
    ("here", "waba_publish_address (publish_address)", HERE_KNOWN_BY, NOT_HERE, "Give an address of this host, or '' for all"),
    ("here", "waba_webapp_publish_address (webapp_publish_address)", "2001:db8::7", NOT_HERE, "Give an address of this host, or '' for all"),
    ("here", "waba_volumes (volumes.media.source)", "/nowhere/media", "it cannot be used: No such file or directory",
     "Make the folder or mount the share, or fix path, owner or mode"),
]  # fmt: skip


def none_of(kind: str) -> Case:
    fix = f"Name an instance on a host of the group waba_{kind}, or leave it out there: each has one then"
    return ("idle", f"waba_{kind.removesuffix('s')}_instances ({kind}_total)", 0, f"the cluster has no {kind}", fix)


NO_INSTANCES = [none_of(kind) for kind in ("masters", "coreapps", "webapps")]

RUNS: dict[str, dict[str, Any]] = {
    "between_hosts": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_publish_address": "nowhere",
            "waba_shards": 4,
            "waba_database_host": "127.0.0.1",
            "waba_database_port": 1,
        },
        "groups": {
            "waba_masters": {"hosts": {"first": {"waba_external_hostname": "first.test"}}},
            "waba_coreapps": {"hosts": {"namesake": {"waba_external_hostname": "first.test"}}},
            "waba_webapps": {
                "hosts": {
                    "itself": {"waba_external_hostname": "localhost"},
                    "single": {"waba_layout": "single_server", "waba_external_hostname": "2001:db8::11"},
                    "odd": {
                        "waba_cluster_name": "another",
                        "waba_admin_password": "Only-Here-1",
                        "waba_database_user": "other",
                    },
                    # With pipelining, the message depends on whether ssh or the write to it fails first.
                    "gone": {
                        "ansible_connection": "ssh",
                        "ansible_host": "127.0.0.1",
                        "ansible_port": 1,
                        "ansible_pipelining": False,
                    },
                    "broken": {"ansible_python_interpreter": "/nowhere/python3"},
                }
            },
        },
        "refused": BETWEEN_HOSTS,
    },
    "on_the_host": {
        "vars": {
            "waba_layout": "single_server",
            "waba_cluster_name": "waba-inputs",
            "waba_coreapp_image": f"{VENDOR}/coreapp:v2.57.2",
            "waba_webapp_image": f"{VENDOR}/web:v2.57.2",
            "waba_publish_address": "127.0.0.1",
            "waba_webapp_publish_address": "127.0.0.1",
            "waba_master_instances": [
                {"name": "m1", "ports": f"{FIRST + 4}-{FIRST + 7}"},
                {"name": "m2", "ports": f"{FIRST + 8}-{FIRST + 11}"},
            ],
            "waba_coreapp_instances": [
                {"name": "wacore", "ports": f"{FIRST}-{FIRST + 3}"},
                *({"name": f"c{i}", "ports": f"{FIRST + 40 + 4 * i}-{FIRST + 43 + 4 * i}"} for i in range(CROWD - 1)),
            ],
            "waba_webapp_instances": [{"name": "waweb", "port": TAKEN_PORT}],
            "waba_webapp_certificate": "/nowhere/web.pem",
            "waba_webapp_certificate_key": "/nowhere/web.key",
            "waba_database_host": "no-such-host.invalid",
        },
        "groups": {
            group: {"hosts": {"here": {}}}
            for group in ("waba_masters", "waba_coreapps", "waba_webapps", "waba_nfs_clients")
        },
        "refused": ON_THE_HOST,
    },
    "firewall": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_firewall": True,
            "waba_publish_address": "nowhere",
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
        },
        "groups": {
            "waba_masters": {"hosts": {"here": {"waba_external_hostname": HERE_KNOWN_BY}}},
            "waba_coreapps": {"hosts": {"there": {"waba_external_hostname": THERE_KNOWN_BY}}},
            "waba_webapps": {"hosts": {"lost": {"waba_external_hostname": "lost.invalid"}}},
        },
        "refused": FIREWALL,
    },
    "elsewhere": {
        "vars": {
            "waba_layout": "single_server",
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_publish_address": HERE_KNOWN_BY,
            "waba_webapp_publish_address": "2001:db8::7",
            "waba_volumes": {"media": {"type": "bind", "source": "/nowhere/media"}},
            **backups.ON_ANOTHER_HOST,
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
        },
        "groups": {group: {"hosts": {"here": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": [*ELSEWHERE, *backups.on_another_host("here")],
    },
    "nobody": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
            **{f"waba_{kind}_instances": [] for kind in ("master", "coreapp", "webapp")},
            **backups.INVALID,
        },
        "groups": {group: {"hosts": {"idle": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": [*NO_INSTANCES, *backups.invalid("idle")],
    },
}
