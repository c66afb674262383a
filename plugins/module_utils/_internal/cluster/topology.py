# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster as one value: hosts, roles, instances, addresses, database and share.

A run builds the topology once, from the settings of every host of the inventory, and every later play reads it. See docs/adr/0016-topology-built-once.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url, is_ipv6
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import settings_of
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import settings as backup_settings
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import api_proxy
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.confinement import owner_problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import DATABASE_PORT
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.reachability import ipv6_problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem

Settings = Mapping[str, Any]

DATABASE_SERVICE = "db"  # also the name of the proxy
MEMBERS = 3  # of a database that survives the loss of a host
MEMBERS_WITH_ARBITRATOR = 2
FLUSH = "innodb_flush_log_at_trx_commit"
NFS_PORT = 2049

# The part that a host plays: the setting that names its inventory group, and the fixed group that the plays name.
PARTS = {
    "database": ("waba_group_mysql", "waba_cluster_database"),
    "arbitrator": ("waba_group_arbitrator", "waba_cluster_arbitrator"),
    "masters": ("waba_group_masters", "waba_cluster_masters"),
    "coreapps": ("waba_group_coreapps", "waba_cluster_coreapps"),
    "webapps": ("waba_group_webapps", "waba_cluster_webapps"),
    "api_proxies": ("waba_group_api_proxies", "waba_cluster_api_proxies"),
    "nfs_server": ("waba_group_nfs_server", "waba_cluster_nfs_server"),
    "nfs_clients": ("waba_group_nfs_clients", "waba_cluster_nfs_clients"),
}
GROUP_SETTINGS = tuple(setting for setting, _group in PARTS.values())
NODE_PARTS = ("masters", "coreapps", "webapps")
CONTAINER_PARTS = (*NODE_PARTS, "database", "arbitrator", "api_proxies")
PROXIES = "proxies"  # the part of the hosts with nodes, where the database has several members
NODE_GROUP = "waba_cluster_nodes"  # the hosts that run a container of the cluster
DATABASE_CLIENT_GROUP = "waba_cluster_database_client"  # the one host from which the database is backed up and restored
DATABASE_MEMBER_GROUP = "waba_cluster_database_members"
EVERY_GROUP = "waba_cluster"  # these, and the hosts that only serve or mount the share
INSTANCES = {
    "masters": "waba_master_instances",
    "coreapps": "waba_coreapp_instances",
    "webapps": "waba_webapp_instances",
}
FILES_OF_A_HOST = settings_of(  # options of a host's plan that name files of the host
    "certificate",
    "certificate_key",
    "database_tls_ca",
    "database_tls_certificate",
    "database_tls_key",
    "database_certificate",
    "database_certificate_key",
    "webhook_certificate",
    "webhook_certificate_key",
)
# The same, of a host with one of several database members, or with their arbitrator.
MEMBER_FILES = settings_of("member_ca", "member_certificate", "member_certificate_key")
CLOUD = "cloud"  # the value of waba_upstream for the Cloud API
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - values of a setting, compared with
LOOPBACK = "127.0.0.1"


def group_problems(
    names: Mapping[str, Mapping[str, str]], groups: Mapping[str, list[str]], require_nodes: bool = True
) -> list[Problem]:
    """Return the problems of the settings that name the inventory groups.

    names: {host: {setting: group}} for every host of the inventory. groups: {group: hosts}. require_nodes: whether masters, coreapps and webapps must have
    hosts.
    """
    problems = []
    for part, (setting, _fixed) in PARTS.items():
        given: dict[str, list[str]] = {}
        for host, values in names.items():
            given.setdefault(values[setting], []).append(host)
        if len(given) > 1:
            listed = "; ".join(f"'{name}' on {', '.join(hosts)}" for name, hosts in given.items())
            fix = "Set it in group_vars/all, or on the command line with -e"
            problems.append(Problem(setting, listed, "the hosts of the inventory disagree", fix))
        elif given and require_nodes and part in NODE_PARTS and not any(groups.get(name) for name in given):
            fix = f"Put hosts into this group, or name another one with {setting}"
            problems.append(Problem(setting, next(iter(given), ""), "no host is in this group", fix))
    return problems


def database_problems(
    names: Settings, parts: Mapping[str, Sequence[str]], settings: Mapping[str, Settings]
) -> dict[str, list[Problem]]:
    """Return {host: problems} of the hosts that run the database or its arbitrator. names: {setting: group}. parts: as from `members`."""
    hosts, arbitrators = parts["database"], parts["arbitrator"]
    problem = _arbitrator_problem(names, hosts, arbitrators)
    problems = {host: [problem] for host in arbitrators} if problem else {}
    if len(hosts) < 2:
        return problems
    if len(hosts) != MEMBERS and not (len(hosts) == MEMBERS_WITH_ARBITRATOR and arbitrators):
        problem = _number_problem(names, hosts)
        for host in hosts:
            problems.setdefault(host, []).append(problem)
        return problems
    first = settings[hosts[0]]
    for host in dict.fromkeys((*hosts, *arbitrators)):
        problems.setdefault(host, []).extend(_voter_problems(settings[host], first))
    for host in hosts:
        problems[host].extend(_server_problems(settings[host]))
    return problems


def _number_problem(names: Settings, hosts: Sequence[str]) -> Problem:
    """Return the problem of database hosts whose number is not allowed."""
    fix = f"Put one or {MEMBERS} hosts into the group {names['waba_group_mysql']}"
    reason = "they add no safety"
    if len(hosts) == MEMBERS_WITH_ARBITRATOR:
        reason = "two members stop when either is lost, since one is no majority"
        fix += f"; or put another host into the group {names['waba_group_arbitrator']}, which votes and stores no data"
    return Problem("waba_group_mysql", ", ".join(hosts), f"{len(hosts)} database hosts: {reason}", fix)


def _arbitrator_problem(names: Settings, hosts: Sequence[str], arbitrators: Sequence[str]) -> Problem | None:
    """Return the problem of arbitrators whose votes add nothing; None for no arbitrator, and for one that votes with two members on other hosts."""
    group, database_group = names["waba_group_arbitrator"], names["waba_group_mysql"]
    with_member = [host for host in arbitrators if host in hosts]
    if not arbitrators:
        return None
    if len(hosts) != MEMBERS_WITH_ARBITRATOR:
        listed = f" ({', '.join(hosts)})" if hosts else ""
        problem = f"an arbitrator votes with {MEMBERS_WITH_ARBITRATOR} database hosts, and the group {database_group} has {len(hosts)}{listed}"
        fix = f"Leave the group {group} empty, or put two hosts into the group {database_group}"
    elif with_member:
        problem = f"{', '.join(with_member)} has a database member too, so its loss would take two of three votes"
        fix = f"Put a host into the group {group} that is not in the group {database_group}"
    elif len(arbitrators) > 1:
        problem = f"{len(arbitrators)} arbitrators: two members need one"
        fix = f"Leave one host in the group {group}"
    else:
        return None
    return Problem("waba_group_arbitrator", ", ".join(arbitrators), problem, fix)


def _voter_problems(values: Settings, first: Settings) -> list[Problem]:
    """Return the problems of a database member or of the arbitrator with the others. first: the settings of the first member."""
    problems = []
    image = values["waba_mysql_image"]
    if image != first["waba_mysql_image"]:
        problem = f"the first database member has {first['waba_mysql_image']!r}"
        problems.append(Problem("waba_mysql_image", image, problem, "Give all members the same"))
    if image.rpartition("/")[2].startswith("mysql:"):
        problems.append(Problem("waba_mysql_image", image, "MySQL cannot run on several hosts", "Use waba/mariadb"))
    authority = "waba_mysql_member_ca"
    if bool(values[authority]) != bool(first[authority]):
        problem = f"the first database member {'encrypts' if first[authority] else 'does not encrypt'} its traffic"
        problems.append(Problem(authority, values[authority], problem, "Set it for all members, or for none"))
    return problems


def _server_problems(values: Settings) -> list[Problem]:
    """Return the problems of the server of one database member."""
    problems = []
    flush = (values["waba_mysql_options"] or {}).get(FLUSH, 1)
    if str(flush) != "1":
        problem = "members that fail together would lose acknowledged messages"
        problems.append(Problem(f"waba_mysql_options.{FLUSH}", flush, problem, "Set it to 1, or leave it out"))
    if values["waba_database_port"] != DATABASE_PORT:
        problem = f"members and proxies use port {DATABASE_PORT}"
        problems.append(Problem("waba_database_port", values["waba_database_port"], problem, "Leave it out"))
    return problems


def members(names: Settings, groups: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return {part: hosts} in the order of the inventory. names: {setting: group}."""
    return {part: list(groups.get(names[setting], [])) for part, (setting, _fixed) in PARTS.items()}


def build(
    parts: Mapping[str, list[str]], settings: Mapping[str, Settings], leaving: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the topology of a cluster.

    parts: as from `members`. settings: {host: {variable: value}} with the defaults and types of the role specifications. leaving: hosts that the
    totals do not count, because they are about to leave.
    """
    leaving = set(leaving)
    database = _database(parts, settings, leaving)
    proxies = [host for host in _ordered(parts) if database["members"] and _runs_nodes(host, parts)]
    totals = {
        part: sum(len(settings[host][INSTANCES[part]]) for host in parts[part] if host not in leaving)
        for part in NODE_PARTS
    }
    share, names = _share(parts, settings), _names(parts, settings)
    hosts = {host: _host(host, parts, settings[host], database) for host in _ordered(parts)}
    for host, one in hosts.items():
        one["firewall"] = _firewall(host, one["plan"], settings[host], names, share)
        one["mount"] = _mount(one["share_path"], settings[host], share) if host in share["clients"] else None
        one["export"] = _export(settings[host], names, share) if host == share["server"] else None
        one["acme"] = acme.certificates(settings[host], one["plan"])
        scheduled = host == database["backup_host"]
        one["backup"] = (
            backup_settings.options(settings[host], database, one["is_database_host"])
            if scheduled
            else backup_settings.absent(settings[host])
        )
    shared = settings[next(iter(hosts))] if hosts else {}
    return {
        "cluster_name": shared.get("waba_cluster_name", ""),
        "parts": {
            **{part: list(hosts_of_part) for part, hosts_of_part in parts.items()},
            **({PROXIES: proxies} if proxies else {}),
        },
        "totals": totals,
        "nodes_total": sum(totals.values()),
        "expected": {
            "masters": totals["masters"],
            "coreapps": totals["coreapps"],
            "shards": shared.get("waba_shards", 1),
        },
        "database": database,
        "share": share,
        "images": {
            "source": shared.get("images_source", ""),
            "archive": shared.get("images_archive", ""),
            "suite": shared.get("images_debian_suite", ""),
            "revision": shared.get("images_revision", ""),
        },
        "nodes": [{"host": host, **node} for host, one in hosts.items() for node in one["nodes"]],
        "api_urls": [one["public_api_url"] for one in hosts.values() if one["public_api_url"]],
        "api_proxy": _api_proxies(parts, settings, hosts),
        "leaving": sorted(leaving),
        "names": names,
        "hosts": hosts,
    }


def _api_proxies(
    parts: Mapping[str, list[str]], settings: Mapping[str, Settings], hosts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the API proxies: the URL for clients, the virtual address ("" for none), and the webapps as HAProxy reads them."""
    proxies = [settings[host] for host in parts["api_proxies"]]
    webapps = [(host, hosts[host]["nodes"], settings[host]) for host in parts["webapps"]] if proxies else []
    return {
        "url": api_proxy.url(proxies),
        "address": proxies[0]["waba_api_proxy_address"] if proxies else "",
        "webapps": api_proxy.servers(webapps),
    }


def _ordered(parts: Mapping[str, list[str]]) -> list[str]:
    return list(dict.fromkeys(host for part in PARTS for host in parts[part]))


def _database(parts: Mapping[str, list[str]], settings: Mapping[str, Settings], leaving: set[str]) -> dict[str, Any]:
    """Return the database: its container's host, or the address of a server that the cluster does not run; and the host that acts as its client.

    `arbitrator`: the host that votes with two members, "" for none. `voters`: the addresses of the members and of the arbitrator.
    """
    server = next(iter(parts["database"]), "")
    first = server or next(iter(_ordered(parts)), "")
    values = settings[first] if first else {}
    members, arbitrator = _database_members(parts, settings), _arbitrator(parts)
    voters = [member["host"] for member in members] + ([arbitrator] if arbitrator else [])
    if not server:
        address = values.get("waba_database_host", "")
    elif members or values["waba_layout"] == "single_server":
        address = DATABASE_SERVICE
    else:
        address = values["waba_external_hostname"]
    client = server or next((host for host in parts["masters"] if host not in leaving), "")
    chosen = values.get("waba_backup_host") or client
    backup_host = chosen if chosen in settings and settings[chosen].get("waba_backup_schedule") else ""
    return {
        "hosts": list(parts["database"]),
        "members": members,
        "arbitrator": arbitrator,
        "voters": [settings[host]["waba_external_hostname"] for host in voters],
        "client": client,
        "external": not server,
        "service": DATABASE_SERVICE,
        "address": address,
        "port": values.get("waba_database_port", 3306),
        "name": f"{values.get('waba_database_name_prefix', '')}waba",
        "backup_host": backup_host,
    }


def _database_members(parts: Mapping[str, Sequence[str]], settings: Mapping[str, Settings]) -> list[dict[str, str]]:
    """Return {"host", "name", "address"} of each database member; none where a single server runs the database."""
    hosts = parts["database"]
    if len(hosts) != MEMBERS and not _arbitrator(parts):
        return []
    return [{"host": host, "name": host, "address": settings[host]["waba_external_hostname"]} for host in hosts]


def _arbitrator(parts: Mapping[str, Sequence[str]]) -> str:
    """Return the host that votes with two database members; "" for none, also where its group is refused."""
    hosts, arbitrators = parts["database"], parts["arbitrator"]
    valid = len(hosts) == MEMBERS_WITH_ARBITRATOR and len(arbitrators) == 1 and arbitrators[0] not in hosts
    return arbitrators[0] if valid else ""


def _runs_nodes(host: str, parts: Mapping[str, list[str]]) -> bool:
    return any(host in parts[part] for part in NODE_PARTS)


def _share(parts: Mapping[str, list[str]], settings: Mapping[str, Settings]) -> dict[str, Any]:
    """Return the NFS share for media. `server` is empty where no host of the inventory exports it, `name` where there is no share."""
    server, clients = next(iter(parts["nfs_server"]), ""), parts["nfs_clients"]
    given = [settings[host]["nfs_mount_server"] for host in clients if settings[host].get("nfs_mount_server")]
    own = settings[server]["waba_external_hostname"] if server else ""
    options = [option for host in clients for option in settings[host].get("nfs_mount_options") or []]
    ports = [option[len("port=") :] for option in options if option.startswith("port=")]
    return {
        "server": server,
        "clients": list(clients),
        "name": given[0] if given else own,
        "port": int(ports[0]) if ports and ports[0].isdigit() else NFS_PORT,
    }


def _names(parts: Mapping[str, list[str]], settings: Mapping[str, Settings]) -> list[dict[str, Any]]:
    """Return the hosts with the names and addresses under which the others know them."""
    return [
        {"host": host, "names": [values["waba_external_hostname"], *values["waba_firewall_addresses"]]}
        for host, values in sorted((host, settings[host]) for host in _ordered(parts))
    ]


def _firewall(
    host: str, plan: Mapping[str, Any], values: Settings, names: list[dict[str, Any]], share: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of the module `firewall` for a host."""
    if not values.get("waba_firewall"):
        return {"state": "absent", "cluster_name": plan["cluster_name"]}
    serves = {"nfs_port": share["port"]} if host == share["server"] else {}
    webhooks = {"webhook_sources": values["waba_firewall_webhook_sources"]} if "webhook_port" in plan else {}
    return {
        **plan,
        "host": host,
        "hosts": names,
        "api_sources": values["waba_firewall_api_sources"],
        "webapp_sources": values["waba_firewall_webapp_sources"],
        **webhooks,
        **serves,
    }


def _mount(path: str, values: Settings, share: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options of the module `nfs_mount` for a client; None where there is no share, or nowhere to mount it."""
    if not share["name"] or not path:
        return None
    return {
        "path": path,
        "server": values["nfs_mount_server"] or share["name"],
        "export": values["nfs_mount_export"],
        "options": values["nfs_mount_options"],
        **_ownership(values, "nfs_mount"),
        "timeout": values["nfs_mount_timeout"],
    }


def _export(values: Settings, names: list[dict[str, Any]], share: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the module `nfs_exports` for the server."""
    clients = [name for one in names if one["host"] in share["clients"] for name in one["names"]]
    return {
        "path": values["nfs_server_export"],
        "clients": values["nfs_server_clients"] or list(dict.fromkeys(clients)),
        "options": values["nfs_server_options"],
        **_ownership(values, "nfs_server"),
        "file": f"/etc/exports.d/{values['waba_cluster_name']}.exports",
    }


def _ownership(values: Settings, role: str) -> dict[str, str]:
    given = {key: values[f"{role}_{key}"] for key in ("owner", "group", "mode")}
    return {key: value for key, value in given.items() if value}


def ipv6_problems(host: str, values: Settings, built: Mapping[str, Any]) -> list[Problem]:
    """Return the problem of a host whose containers call other hosts at IPv6 addresses, which they cannot reach. built: as from `build`."""
    if values["waba_ipv6"] or not built["hosts"][host]["runs_containers"]:
        return []
    called = [one["names"][0] for one in built["names"] if one["host"] != host]
    called += [built["database"]["address"]] if built["database"]["external"] else []
    return [ipv6_problem()] if any(map(is_ipv6, called)) else []


def share_problems(values: Settings, share: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of a client of the share: it has no folder to mount it on, or an owner that nodes would change."""
    if not share["name"]:
        return []
    found = share_owner_problems(values, "nfs_mount_owner")
    if not values.get("nfs_mount_path") and not _bound_media(values):
        problem = "waba_volumes.media binds no folder, so no node would use it"
        fix = "Set waba_volumes.media to {type: bind, source: /mnt/wamedia}, or leave the groups of the share empty"
        found.append(Problem("nfs_mount_server", share["name"], problem, fix))
    return found


def share_owner_problems(values: Settings, setting: str) -> list[Problem]:
    """Return a problem where a setting would give the share back to root at each run."""
    return owner_problems(setting, values[setting], (values["waba_coreapp_image"], values["waba_webapp_image"]))


def _host(host: str, parts: Mapping[str, list[str]], values: Settings, database: Mapping[str, Any]) -> dict[str, Any]:
    played = [part for part in PARTS if host in parts[part]]
    runs_containers = any(part in CONTAINER_PARTS for part in played)
    groups = [EVERY_GROUP, *([NODE_GROUP] if runs_containers else []), *(PARTS[part][1] for part in played)]
    groups += [DATABASE_CLIENT_GROUP] if host == database["client"] else []
    groups += [DATABASE_MEMBER_GROUP] if any(host == member["host"] for member in database["members"]) else []
    plan = host_plan(host, parts, values, database["members"], database["voters"])
    nodes = _planned(plan)
    sources = {**image_sources(plan), **(backup_images(values) if host == database["backup_host"] else {})}
    return {
        "parts": played,
        "groups": groups,
        "runs_containers": runs_containers,
        "external_hostname": values["waba_external_hostname"],
        "plan": plan,
        "nodes": nodes,
        "wanted_images": list(sources),
        "image_sources": sources,
        "files": _role_files(values),
        "api_url": _api_url(nodes, values, "localhost"),
        "public_api_url": _api_url(nodes, values, values["waba_external_hostname"]),
        "docker_is_managed": values.get("docker_host_manage", True),
        "share_path": values.get("nfs_mount_path") or _bound_media(values),
        "is_database_host": host in database["hosts"],
        "is_arbitrator": host == database["arbitrator"],
    }


def host_plan(
    host: str,
    parts: Mapping[str, list[str]],
    values: Settings,
    members: Sequence[Mapping[str, str]] = (),
    voters: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the options (see the doc fragment `plan`) that describe the containers of one host.

    members, voters: as from `build`, of the database. The configuration of a proxy is "", because a template renders it.
    """
    single = values["waba_layout"] == "single_server"
    plan = {
        "path": values["waba_dir"],
        "cluster_name": values["waba_cluster_name"],
        "layout": values["waba_layout"],
        "external_hostname": values["waba_external_hostname"],
        **{part: values[INSTANCES[part]] if host in parts[part] else [] for part in NODE_PARTS},
        "database_options": values["waba_mysql_options"],
        "images": {"coreapp": values["waba_coreapp_image"], "webapp": values["waba_webapp_image"]},
        "volumes": values["waba_volumes"],
        "allow_source_change": values["waba_allow_source_change"],
        "node_memory": values["waba_node_memory"],
        "node_processes": values["waba_node_processes"],
        "database_memory": values["waba_mysql_memory"],
        "log_max_size": values["waba_log_max_size"],
        "log_max_files": values["waba_log_max_files"],
        "ipv6": values["waba_ipv6"],
        "publish_address": values["waba_publish_address"],
        "webapp_publish_address": values["waba_webapp_publish_address"],
        **{option: values[setting] for option, setting in FILES_OF_A_HOST.items() if values[setting]},
    }
    if values["waba_upstream"] == CLOUD and host in parts["webapps"]:
        plan["webhook_port"] = values["waba_cloud_webhook_port"]
        plan["webhook_publish_address"] = values["waba_cloud_webhook_publish_address"]
    if host in parts["database"]:
        port = {} if single else {"port": values["waba_database_port"]}
        plan["database"] = {"name": DATABASE_SERVICE, "image": values["waba_mysql_image"], **port}
        name = next((member["name"] for member in members if member["host"] == host), "")
        if name:
            plan["database"]["member"] = {"name": name, "addresses": list(voters)}
    if host == _arbitrator(parts):
        plan["arbitrator"] = {"image": values["waba_mysql_image"], "addresses": list(voters)}
    if members and (host in parts["database"] or "arbitrator" in plan):
        plan.update({option: values[setting] for option, setting in MEMBER_FILES.items() if values[setting]})
    if members and _runs_nodes(host, parts):
        plan["proxy"] = {"image": values["waba_database_proxy_image"], "configuration": ""}
    if host in parts["api_proxies"]:
        plan.update(api_proxy.plan(values))
    if parts["api_proxies"] and host in parts["webapps"]:
        plan["webapps_behind_proxies"] = True
    return plan


def image_sources(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return {image: folder in roles/images/files that it is built from} of the images that a host needs. plan: as from `host_plan`.

    A database image is MariaDB's, unless its repository is named mysql.
    """
    database = plan.get("database")
    has_node = plan["masters"] or plan["coreapps"] or (database and database.get("member"))  # a member has a guard
    found = {plan["images"]["coreapp"]: "node"} if has_node else {}
    found.update({plan["images"]["webapp"]: "node"} if plan["webapps"] else {})
    if database:
        found[database["image"]] = _database_source(database["image"])
    if plan.get("arbitrator"):
        found[plan["arbitrator"]["image"]] = _database_source(plan["arbitrator"]["image"])
    if plan.get("proxy"):
        found[plan["proxy"]["image"]] = "haproxy"
    if plan.get("api_proxy"):
        found[plan["api_proxy"]["image"]] = "haproxy"
    return found


def backup_images(values: Settings) -> dict[str, str]:
    """Return {image: folder in images/ that it is built from} of the images with which a host verifies its backups."""
    server = values["waba_mysql_image"]
    return {values["waba_coreapp_image"]: "node", server: _database_source(server)}


def _database_source(image: str) -> str:
    return "mysql" if image.rpartition("/")[2].partition(":")[0] == "mysql" else "mariadb"


def _planned(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes of a host; none where its settings cannot be planned, which preflight reports."""
    unset = {
        "database": None,
        "arbitrator": None,
        "proxy": None,
        "api_proxy": None,
        "api_proxy_publish_address": "",
        "webapps_behind_proxies": False,
        "webhook_port": None,
        "webhook_publish_address": "",
    }
    options = {**unset, **dict.fromkeys((*FILES_OF_A_HOST, *MEMBER_FILES, *api_proxy.FILES)), **plan}
    for part in NODE_PARTS:
        pin = "port" if part == "webapps" else "ports"
        options[part] = [{pin: None, **instance} for instance in options[part]]
    if options["database"]:
        options["database"] = {"port": None, "member": None, **options["database"]}
    if options["api_proxy"]:
        options["api_proxy"] = {"address": None, **options["api_proxy"]}
    try:
        planned = plan_nodes(options)
    except InputError:
        return []
    return [
        {"name": node["name"], "role": node["role"], "hostname": node["hostname"], "ports": list(node["published"])}
        for node in planned
    ]


def _role_files(values: Settings) -> dict[str, str]:
    """Return {role: path of the Compose file that has its services}."""
    single = values["waba_layout"] == "single_server"
    names = {
        role: "compose" if single else role
        for role in ("db", "arbitrator", "proxy", "master", "coreapp", "webapp", "api")
    }
    return {role: f"{values['waba_dir']}/multiconnect-{name}.yml" for role, name in names.items()}


def _api_url(nodes: list[dict[str, Any]], values: Settings, name: str) -> str:
    """Return the URL of a host's API for a caller that reaches the host under a name; "" where it runs no webapp."""
    ports = [node["ports"][0] for node in nodes if node["role"] == "webapp"]
    address = values["waba_webapp_publish_address"]
    host = "localhost" if address == LOOPBACK else name if address in EVERY_ADDRESS else address
    return f"https://{in_url(host)}:{ports[0]}" if ports else ""


def _bound_media(values: Settings) -> str:
    media = (values["waba_volumes"] or {}).get("media") or {}
    return media.get("source", "") if media.get("type") == "bind" else ""
