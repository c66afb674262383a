"""Inventories that are refused, and each row of their table of problems.

A row is (host, setting, value, problem, fix). A host has as many invalid settings as possible: all are reported at once.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

Case = tuple[str, str, Any, str, str]

LEARN = "Run ansible-doc -t role waba.cluster.{} to see the accepted values"
WABA = LEARN.format("common")
UNKNOWN = "there is no such setting"
HERE = f"{Path('/proc/self/comm').read_text(encoding='utf-8').strip()} (pid {os.getpid()})"
MODULES = list(Path("/lib/modules", os.uname().release).glob("**/nfs.ko*"))
NO_NFS = not MODULES and "nfs" not in Path("/proc/filesystems").read_text(encoding="utf-8")
MEMORY = int(Path("/proc/meminfo").read_text(encoding="utf-8").split("MemTotal:")[1].split()[0]) // 1024
CROWD = MEMORY // 1024 + 1  # coreapps of the vendor, more than fit into the memory


def free_ports(count: int) -> int:
    """Return the first of `count` ports that are free now, below the ephemeral ports."""
    listing = Path("/proc/net/tcp").read_text(encoding="ascii") + Path("/proc/net/tcp6").read_text(encoding="ascii")
    used = {int(line.split()[1].rpartition(":")[2], 16) for line in listing.splitlines() if "address" not in line}
    return next(first for first in range(15000, 32000, 100) if not used & set(range(first, first + count)))


def source_towards(address: str) -> str:
    """Return the source address of packets from this machine to another address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((address, 9))
        return connection.getsockname()[0]


HERE_KNOWN_BY, THERE_KNOWN_BY = "192.0.2.1", "198.51.100.7"  # unused: RFC 5737
FIRST = free_ports(4 * CROWD + 40)
TAKEN_RANGE, TAKEN_PORT = FIRST + 1, FIRST + 20  # the process of the tests listens there
VENDOR = "docker.whatsapp.biz"
NAME_RULE = "Use a-z, 0-9, _ and -, a letter or digit first"
FOUR = "Give four ports in a row, as in '6300-6303'"
PIN = "Pin one of them to ports that nothing else on this host uses"
NETWORK = "Write an address or network, for example 192.0.2.0/24 or 2001:db8::1; names are not resolved"
TEXT = "Write text in quotes; or remove the variable, and a secret is generated"
ENVIRONMENT = "Use one line of text without it; letters, digits and - _ . + are always possible"
HIDDEN = "(redacted)"
SAME = "Give all hosts of a cluster the same, as in group_vars/all"
TIME_FIX = "Write a time, as in '2026-01-31T12:00:00Z', or a duration before now, as in '90m', '12h' or '3d'"


def row(case: Case) -> tuple[str, ...]:
    host, setting, value, problem, fix = case
    rendered = value if isinstance(value, str) and value.startswith("(") else repr(value)
    return (host, setting, rendered, problem, fix)


def typo(name: str, meant: str) -> Case:
    return ("typed", name, "(not read)", UNKNOWN, f"Write {meant}")


TYPED: dict[str, Any] = {
    "waba_coreap_instances": [],
    "waba_master_instance": [],
    "waba_externalhostname": "x",
    "waba_database_hostname": "x",
    "waba_db_password": "x",
    "waba_publish_adress": "x",
    "waba_cluster": "x",
    "waba_volume": {},
    "waba_qqqqqqqq": 1,
    "waba_layout": "flat",
    "waba_upstream": "carrier pigeon",
    "waba_cloud_uncertain": "perhaps",
    "waba_ha": "perhaps",
    "waba_shards": 3,
    "waba_master_instances": 5,
    "waba_coreapp_instances": [{"ports": "6250-6253"}],
    "waba_webapp_instances": [{"name": "waweb", "port": "many"}],
    "waba_volumes": {"media": {"type": "tape", "source": "x"}},
    "waba_database_port": "mysql",
    "waba_wait_timeout": "soon",
    "waba_clock_tolerance": "little",
    "waba_logs_since": "yesterday",
    "waba_logs_until": "2026-13-01",
    "waba_logs_tail": -1,
    "images_source": "thin air",
    "docker_host_manage": "perhaps",
    "waba_firewall": "perhaps",
    "waba_dir": "{{ nobody_defined_this }}",
    "waba_database_password": 12345678,
    "waba_admin_password": "password",
    "waba_api_key": "short",
    "waba_jwt_key": "",
    "waba_node_secret": ["a"],
    "waba_database_root_password": "two\nlines",
}
KEYS = {
    "waba_coreapp_instances": [{"name": "wacore", "port": 6250}],
    "waba_webapp_instances": [{"name": "waweb", "ports": "9090-9093"}],
    "waba_logs_since": "1h",
    "waba_logs_until": "2h",
    "waba_volumes": {"medias": {"source": "x"}},
    "waba_environment": "WA_DB_PERSISTENT",
    "waba_coreapp_image": f"{VENDOR}/coreapp:v2.57.2",
    "waba_webapp_image": f"{VENDOR}/web:v2.57.2",
    "waba_database_password": "a?b{c}d&e~f!g(h)i^j=k",
}
NAMES = {
    "waba_cluster_name": "My Cluster",
    "waba_external_hostname": "core 1",
    "waba_dir": "opt/waba",
    "waba_publish_address": "here",
    "waba_webapp_publish_address": "10.0.0",
    "waba_firewall_api_sources": ["192.0.2.0/24", "10.0.0.300/8", "api.example.com", "10.1.2.3/8"],
    "waba_firewall_addresses": ["10.0.0.0/24"],
    "waba_webapp_certificate": "web.pem",
    "waba_coreapp_instances": [{"name": "WaCore"}, {"name": "a"}, {"name": "a"}],
    "waba_volumes": {
        "media": {"type": "bind", "source": "mnt/media"},
        "data": {"type": "external", "source": "old/data"},
        "database": {"type": "named", "source": "-x"},
    },
    "waba_environment": {"A B": "x", "TWO": "a\nb", "DOLLAR": "a$b", "FLAG": True, "MAP": {"a": 1}},
    "waba_mysql_options": {
        "Pool Size": 1,
        "datadir": "/data",
        "socket": "x",
        "sql-mode": ["A"],
        "init_connect": "a\nb",
    },
}
PORTS = {
    "waba_cluster_name": "waba-inputs",
    "waba_coreapp_instances": [
        {"name": "short", "ports": "6300-6302"},
        {"name": "long", "ports": "6300-6304"},
        {"name": "backwards", "ports": "6303-6300"},
        {"name": "one", "ports": "6300"},
        {"name": "words", "ports": "six"},
        {"name": "outside", "ports": "65534-65537"},
        {"name": "zero", "ports": "0-3"},
        {"name": "first", "ports": "7000-7003"},
        {"name": "second", "ports": "7003-7006"},
    ],
    "waba_webapp_instances": [
        {"name": "inside", "port": 7001},
        {"name": "above", "port": 65536},
        {"name": "below", "port": -1},
    ],
}


def coreapp(index: int, value: str, problem: str, fix: str) -> Case:
    return ("ports", f"waba_coreapp_instances (coreapps[{index}].ports)", value, problem, fix)


def webapp(index: int, value: object, problem: str, fix: str) -> Case:
    return ("ports", f"waba_webapp_instances (webapps[{index}].port)", value, problem, fix)


SETTINGS: list[Case] = [
    typo("waba_coreap_instances", "waba_coreapp_instances"),
    typo("waba_master_instance", "waba_master_instances"),
    typo("waba_externalhostname", "waba_external_hostname"),
    typo("waba_database_hostname", "waba_database_host"),
    typo("waba_db_password", "waba_database_password"),
    typo("waba_publish_adress", "waba_publish_address"),
    typo("waba_cluster", "waba_cluster_name"),
    typo("waba_volume", "waba_volumes"),
    ("typed", "waba_qqqqqqqq", "(not read)", UNKNOWN, "Take it out; names with waba_ are for the collection alone"),
    ("typed", "waba_layout", "flat", "value of waba_layout must be one of: role, single_server, got: flat", WABA),
    ("typed", "waba_shards", 3, "value of waba_shards must be one of: 1, 2, 4, 8, 16, 32, got: 3", WABA),
    ("typed", "waba_cloud_uncertain", "perhaps", "value of waba_cloud_uncertain must be one of: fail, resend, got: perhaps", WABA),
    ("typed", "waba_upstream", "carrier pigeon", "there is no such upstream",
     "Use loopback, cloud, or ws://HOST:PORT or wss://HOST:PORT of a WebSocket service"),
    ("typed", "waba_ha", "perhaps", "waba_ha must be of the type bool", WABA),
    ("typed", "waba_master_instances", 5, "waba_master_instances must be of the type dict", WABA),
    ("typed", "waba_master_instances", 5,
     "Value '5' in the sub parameter field 'waba_master_instances' must be a list, not 'int'", WABA),
    ("typed", "waba_coreapp_instances", "(list)", "missing required arguments: name found in waba_coreapp_instances", WABA),
    ("typed", "waba_webapp_instances", "(list)", "port must be of the type int", WABA),
    ("typed", "waba_volumes", "(dict)",
     "value of type must be one of: named, external, bind, got: tape found in waba_volumes -> media", WABA),
    ("typed", "waba_database_port", "mysql", "waba_database_port must be of the type int", WABA),
    ("typed", "waba_wait_timeout", "soon", "waba_wait_timeout must be of the type int", WABA),
    ("typed", "waba_clock_tolerance", "little", "waba_clock_tolerance must be of the type float", WABA),
    ("typed", "waba_logs_since", "yesterday", "it is neither a time nor a duration", TIME_FIX),
    ("typed", "waba_logs_until", "2026-13-01", "it is neither a time nor a duration", TIME_FIX),
    ("typed", "waba_logs_tail", -1, "it is not a number of lines", "Use 1 or more, or 0 for all lines"),
    ("typed", "images_source", "thin air", "value of images_source must be one of: build, archive, registry, preloaded, got: thin air",
     LEARN.format("images")),
    ("typed", "docker_host_manage", "perhaps", "docker_host_manage must be of the type bool", LEARN.format("docker_host")),
    ("typed", "waba_firewall", "perhaps", "waba_firewall must be of the type bool", WABA),
    ("typed", "waba_dir", "(not known)", "it cannot be templated: 'nobody_defined_this' is undefined",
     "Define what it refers to, or fix the expression"),
    ("typed", "waba_database_password", HIDDEN, "it has the type int, not text", TEXT),
    ("typed", "waba_admin_password", HIDDEN, "it is too weak for the API",
     "Use 8 to 64 characters, with an upper-case letter, a lower-case letter, a digit and a special character"),
    ("typed", "waba_api_key", HIDDEN, "it has 5 characters", "Use 12 to 128 characters"),
    ("typed", "waba_jwt_key", HIDDEN, "it is empty", TEXT),
    ("typed", "waba_node_secret", HIDDEN, "it has the type list, not text", TEXT),
    ("typed", "waba_database_root_password", HIDDEN, "it contains a newline or another control character", ENVIRONMENT),
    ("keys", "waba_logs_until", "2h", "it is not after waba_logs_since (1h)", "Set a later time, or leave it out"),
    ("keys", "waba_coreapp_instances", "(list)", "waba_coreapp_instances.port. Supported parameters include: name, ports.", WABA),
    ("keys", "waba_webapp_instances", "(list)", "waba_webapp_instances.ports. Supported parameters include: name, port.", WABA),
    ("keys", "waba_volumes", "(dict)", "waba_volumes.medias. Supported parameters include: data, database, media.", WABA),
    ("keys", "waba_environment", "WA_DB_PERSISTENT", "waba_environment must be of the type dict", WABA),
    ("keys", "waba_database_password", HIDDEN, "the vendor's client does not accept ? { } & ~ ! ( ) ^ = in it",
     "Use a password without ? { } & ~ ! ( ) ^ ="),
    ("names", "waba_cluster_name (cluster_name)", "My Cluster", "it is no name for a cluster", NAME_RULE),
    ("names", "waba_external_hostname (external_hostname)", "core 1", "it is neither a host name nor an address", "Give one, without spaces"),
    ("names", "waba_dir (path)", "opt/waba", "it is not an absolute path", "Let it begin with /"),
    ("names", "waba_publish_address (publish_address)", "here", "it is not an IP address", "Give an address of this host, or '' for all"),
    ("names", "waba_webapp_publish_address (webapp_publish_address)", "10.0.0", "it is not an IP address",
     "Give an address of this host, or '' for all"),
    ("names", "waba_firewall_api_sources (firewall_api_sources[1])", "10.0.0.300/8", "it is neither an address nor a network", NETWORK),
    ("names", "waba_firewall_api_sources (firewall_api_sources[2])", "api.example.com", "it is neither an address nor a network", NETWORK),
    ("names", "waba_firewall_api_sources (firewall_api_sources[3])", "10.1.2.3/8", "it is an address in a network, not a network",
     "Write 10.0.0.0/8"),
    ("names", "waba_firewall_addresses (firewall_addresses[0])", "10.0.0.0/24", "it is not an IP address",
     "Write an address, for example 192.0.2.1 or 2001:db8::1"),
    ("names", "waba_webapp_certificate (certificate)", "web.pem", "it is not an absolute path", "Let it begin with /"),
    ("names", "waba_webapp_certificate (certificate)", "web.pem", "there is no such file", "Put it there, or fix the path"),
    ("names", "waba_webapp_certificate_key (certificate_key)", "(not set)", "certificate is set and this is not",
     "Set both, or none for a self-signed certificate"),
    ("names", "waba_coreapp_instances (coreapps[0].name)", "WaCore", "it is no name for a service", NAME_RULE),
    ("names", "waba_coreapp_instances (coreapps[2].name)", "a", "coreapps[1].name has the same name",
     "Give every instance of a host its own name"),
    ("names", "waba_volumes (volumes.media.source)", "mnt/media", "it is not an absolute path, as a bind mount needs", "Let it begin with /"),
    ("names", "waba_volumes (volumes.data.source)", "old/data", "it is no name for a volume",
     "Use letters, digits, _ . and -, or type bind for a folder"),
    ("names", "waba_volumes (volumes.database.source)", "-x", "it is no name for a volume",
     "Use letters, digits, _ . and -, or type bind for a folder"),
    ("names", "waba_environment (environment.A B)", HIDDEN, "it is not a name for an environment variable",
     "Use letters, digits and underscores, and do not begin with a digit"),
    ("names", "waba_environment (environment.TWO)", HIDDEN, "its value contains a newline or another control character", ENVIRONMENT),
    ("names", "waba_environment (environment.DOLLAR)", HIDDEN,
     "its value contains $, which Docker Compose expands in an environment file", ENVIRONMENT),
    ("names", "waba_environment (environment.FLAG)", HIDDEN, "its value has the type bool, not text", "Put the value in quotes"),
    ("names", "waba_environment (environment.MAP)", HIDDEN, "its value has the type dict, not text", "Put the value in quotes"),
    ("names", "waba_mysql_options (database_options.Pool Size)", 1, "it is not the name of a server option",
     "Write it in lower case, for example innodb_buffer_pool_size"),
    ("names", "waba_mysql_options (database_options.datadir)", "/data", "the collection sets it itself", "Use waba_volumes.database"),
    ("names", "waba_mysql_options (database_options.socket)", "x", "the collection sets it itself", "Remove it"),
    ("names", "waba_mysql_options (database_options.sql-mode)", "(list)", "its value has the type list, not text", "Set a single value"),
    ("names", "waba_mysql_options (database_options.init_connect)", "a\nb", "its value contains a control character", "Use one line of text"),
    coreapp(0, "6300-6302", "it is 3 ports long, not 4", FOUR),
    coreapp(1, "6300-6304", "it is 5 ports long, not 4", FOUR),
    coreapp(2, "6303-6300", "it is 0 ports long, not 4", FOUR),
    coreapp(3, "6300", "it is not a range of ports", FOUR),
    coreapp(4, "six", "it is not a range of ports", FOUR),
    coreapp(5, "65534-65537", "port 65536 does not exist", "Stay within 1 to 65535"),
    coreapp(6, "0-3", "port 0 does not exist", "Stay within 1 to 65535"),
    coreapp(8, "7003-7006", "coreapp second and coreapp first (coreapps[7].ports, 7000-7003) would both publish port 7003", PIN),
    webapp(0, "7001", "webapp inside and coreapp first (coreapps[7].ports, 7000-7003) would both publish port 7001", PIN),
    webapp(1, 65536, "port 65536 does not exist", "Stay within 1 to 65535"),
    webapp(2, -1, "port -1 does not exist", "Stay within 1 to 65535"),
    ("ports", "waba_cluster_name (cluster_name)", "waba-inputs", "most hosts of the cluster have 'My Cluster'",
     "Give all hosts of a cluster the same"),
    ("names, ports", "waba_database_host (database_address.host)", "", "the cluster has no database",
     "Name the host of yours, or put a host into the group waba_mysql"),
]  # fmt: skip

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
    ("gone", "ansible_host", "(as in the inventory)",
     'it cannot be reached: Data could not be sent to remote host "127.0.0.1". Make sure this host can be reached over ssh: '
     "ssh: connect to host 127.0.0.1 port 1: Connection refused", "Start it, or fix how Ansible connects to it"),
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

CLOUD_VARS: dict[str, Any] = {
    "waba_upstream": "cloud",
    "waba_cloud_phone_number_id": "+15551234567",
    "waba_cloud_base_url": "http://graph.facebook.com",
    "waba_cloud_version": 25,
    "waba_cloud_proxy": "user:password@proxy.example.com",
    "waba_cloud_webhook_url": f"https://waba.example.com/{'x' * 180}",
    "waba_cloud_webhook_port": TAKEN_PORT + 1,
    "waba_cloud_webhook_publish_address": "here",
    "waba_cloud_webhook_certificate": "/nowhere/hook.pem",
    "waba_cloud_rate": 0,
    "waba_cloud_link_hosts": ["files.lan:8080"],
    "waba_cloud_app_secret": "one,two",
    "waba_cloud_pin": 123456,
    "waba_cloud_previous_app_secret": "",
    "waba_firewall_webhook_sources": ["meta"],
    "waba_environment": {"WABA_CLOUD_TOKEN": "x"},
}
GIVEN = "Write text in quotes; or remove the variable"
CLOUD: list[Case] = [
    ("(controller)", "waba_cloud_token", "(not set)", "the Cloud API needs it",
     "Create a token of a System User in Meta Business Suite, and add it to /nowhere/secrets.yml"),
    ("here", "waba_cloud_phone_number_id", "+15551234567", "an id of Meta has digits only",
     "Copy the phone number ID, not the number itself, from WhatsApp > API Setup of your app"),
    ("here", "waba_cloud_waba_id", "", "the Cloud API needs it",
     "Copy the WhatsApp Business Account ID from WhatsApp > API Setup of your app"),
    ("here", "waba_cloud_base_url", "http://graph.facebook.com", "it is not https, so the token would cross the network in plain text",
     "Write https://; http is for a stand-in on a private address"),
    ("here", "waba_cloud_version", "25", "it is no version of the Graph API", "Write it as in v25.0"),
    ("here", "waba_cloud_proxy", HIDDEN, "it is no URL of an HTTP proxy with a port", "Write it as in http://proxy.example.com:3128"),
    ("here", "waba_cloud_webhook_url", CLOUD_VARS["waba_cloud_webhook_url"], "it has 205 characters, and Meta accepts 200", "Use a shorter path"),
    ("here", "waba_cloud_webhook_port (webhook_port[0])", str(TAKEN_PORT + 1),
     f"webhooks of webapp waweb and webapp waweb (webapps[0].port, {TAKEN_PORT + 1}) would both publish port {TAKEN_PORT + 1}", PIN),
    ("here", "waba_cloud_webhook_publish_address (webhook_publish_address)", "here", "it is not an IP address",
     "Give an address of this host, or '' for all"),
    ("here", "waba_cloud_webhook_key (webhook_certificate_key)", "(not set)", "webhook_certificate is set and this is not",
     "Set both, or none for HTTP behind a reverse proxy"),
    ("here", "waba_cloud_webhook_certificate (webhook_certificate)", "/nowhere/hook.pem", "there is no such file", "Put it there, or fix the path"),
    ("here", "waba_cloud_rate", 0, "it is not between 1 and 1000 messages per second", "Stay within these bounds"),
    ("here", "waba_cloud_link_hosts[0]", "files.lan:8080", "it is neither a host name nor an address", "Write the host of the link, without a port"),
    ("here", "waba_cloud_app_secret", HIDDEN, "it contains white space or a comma", "Copy it again, as one word"),
    ("here", "waba_cloud_pin", HIDDEN, "it has the type int, not text", GIVEN),
    ("here", "waba_cloud_previous_app_secret", HIDDEN, "it is empty", GIVEN),
    ("here", "waba_firewall_webhook_sources (firewall_webhook_sources[0])", "meta", "it is neither an address nor a network", NETWORK),
    ("here", "waba_environment.WABA_CLOUD_TOKEN", HIDDEN, "it would override the setting of the Cloud API", "Remove it, and set waba_cloud_token"),
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


def empty_group(setting: str, group: str) -> str:
    return (
        f"Nothing was touched. {setting} is '{group}': no host is in this group. "
        f"Put hosts into this group, or name another one with {setting}."
    )


def one_host_in(*groups: str) -> dict[str, Any]:
    return {group: {"hosts": {"lone": {}}} for group in groups}


# Runs in which a play would find no host: the inventory, the command line and the message.
UNSEEN: dict[str, dict[str, Any]] = {
    "groups_that_hosts_disagree_on": {
        "vars": {},
        "groups": {
            **one_host_in("waba_masters", "waba_coreapps", "waba_webapps"),
            "blue": {"hosts": {"other": {"waba_group_webapps": "blue"}}},
        },
        "message": "Nothing was touched. waba_group_webapps is \"'blue' on other; 'waba_webapps' on lone\": "
        "the hosts of the inventory disagree. Set it in group_vars/all, or on the command line with -e.",
    },
    "a_misspelled_group": {
        "vars": {},
        "groups": one_host_in("waba_masters", "waba_coreapps", "waba_webapps"),
        "arguments": ["-e", "waba_group_webapps=waba_webaps", "--limit", "lone"],
        "message": empty_group("waba_group_webapps", "waba_webaps"),
    },
    "an_empty_group": {
        "vars": {},
        "groups": {**one_host_in("waba_masters", "waba_coreapps"), "waba_webapps": {}},
        "message": empty_group("waba_group_webapps", "waba_webapps"),
    },
    "an_inventory_without_hosts": {
        "vars": {},
        "groups": {},
        "message": "Nothing was touched. The inventory has no host.",
    },
}  # fmt: skip

RUNS: dict[str, dict[str, Any]] = {
    "settings": {
        "vars": {},
        "groups": {
            "waba_masters": {"hosts": {"typed": TYPED}},
            "waba_coreapps": {"hosts": {"keys": KEYS, "names": NAMES, "ports": PORTS}},
            "waba_webapps": {"hosts": {"names": {}, "ports": {}}},
        },
        "refused": SETTINGS,
    },
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
                    "single": {"waba_layout": "single_server"},
                    "odd": {
                        "waba_cluster_name": "another",
                        "waba_admin_password": "Only-Here-1",
                        "waba_database_user": "other",
                    },
                    "gone": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
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
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
        },
        "groups": {group: {"hosts": {"here": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": ELSEWHERE,
    },
    "cloud": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_secrets_file": "/nowhere/secrets.yml",
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
            "waba_webapp_instances": [{"name": "waweb", "port": TAKEN_PORT + 1}],
            **CLOUD_VARS,
        },
        "groups": {group: {"hosts": {"here": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": CLOUD,
    },
    "nobody": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
            **{f"waba_{kind}_instances": [] for kind in ("master", "coreapp", "webapp")},
        },
        "groups": {group: {"hosts": {"idle": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": NO_INSTANCES,
    },
    **{name: {**run, "refused": []} for name, run in UNSEEN.items()},
}
