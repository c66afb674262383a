# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the nodes of one host from the options of a user, with every problem of the input."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import is_address, is_host
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import normalized as normalized_address
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import confinement, ports
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    API_CHECK_PORT,
    API_PROXY_PORT,
    CERTIFICATE_PAIRS,
    CERTIFICATES,
    DATABASE_PORT,
    DEFAULT_VOLUMES,
    GROUP_PORT,
    GUARD_PORT,
    MEMBER_PORTS,
    NODE_PORTS,
    READER_PORT,
    WEBAPP_PORT,
    WEBHOOK_PORT,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import options as database_options
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError, Problem

SIMPLE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")  # as Compose requires of a project's name
VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # as Docker requires of a volume's name

Node = dict[str, Any]
Holder = dict[str, Any]  # an instance whose ports are not allocated yet, see `ports.allocate`
Volume = Mapping[str, Any]  # {"type", "source"} and, for a bind mount, {"owner", "mode"}

ARBITRATOR_SERVICE = "db-arbitrator"
PROXY_SERVICE = "db-proxy"
API_PROXY_SERVICE = "api-proxy"
API_ADDRESS_SERVICE = "api-address"
# Roles with none of the volumes that have settings.
WITHOUT_VOLUMES = ("guard", "arbitrator", "proxy", "api_proxy", "api_address")
OPTION_WITH_IMAGE = {  # role: option; the others have the images of nodes
    "mysql": "database",
    "arbitrator": "arbitrator",
    "proxy": "proxy",
    "api_proxy": "api_proxy",
    "api_address": "api_proxy",
}
# Roles that use the network of their host. One of several database members does so too.
HOST_NETWORK = ("guard", "arbitrator", "api_address")
LISTENERS = ("webhooks", "check")  # further published ports of a node, with a holder of their own
LOOPBACK = "127.0.0.1"

LISTS = (("master", "masters"), ("coreapp", "coreapps"), ("webapp", "webapps"))  # role, option; in order of start


class Publication(NamedTuple):
    """Ports of a node that are published on one address of the host. audience: "cluster", "api", "webapp" or "webhooks".

    option: the option with the address. address: "" for every address. published, target: ports of the host and of the container. host_network: whether the
    container uses the network of the host, so that nothing is published.
    """

    audience: str
    option: str
    address: str
    published: tuple[int, ...]
    target: tuple[int, ...]
    host_network: bool = False


def plan_nodes(params: Mapping[str, Any]) -> list[Node]:
    """Return the nodes of a host in order of start: database, its guard, arbitrator, proxy, masters, coreapps, webapps, API proxy, virtual address.

    params: the options `argspec.PLAN_OPTIONS`. A node is a dict: `name`, `role` (of contract.ROLE_FILES), `image`, `hostname` and `contact_ports` (where
    other nodes reach it), `published` (tuple of int: ports of the host), `target` (tuple of int: ports in the container), `host_network` (whether it uses the
    network of the host, so that `published` are its own ports), `webhook_port` and `check_port` (ports of the host for the webhook listener and for checks of
    an API proxy, None for none). Raises InputError with all problems.
    """
    problems = [
        *_simple_problems(params),
        *_volume_problems(params["volumes"] or {}),
        *_media_owner_problems(params),
        *database_options.problems(params["database_options"]),
    ]
    holders = _holders(params)
    problems.extend(_name_problems(holders))
    published, port_problems = ports.allocate(holders)
    problems.extend(port_problems)
    if problems:
        raise InputError(problems)
    return [_node(holder, published, params) for holder in holders if holder["role"] not in LISTENERS]


def volume_settings(params: Mapping[str, Any], role: str) -> dict[str, Volume]:
    """Return {kind: volume} of the volumes that a service of this role mounts."""
    if role in WITHOUT_VOLUMES:
        return {}
    settings = {**DEFAULT_VOLUMES, **given_volumes(params["volumes"])}
    kinds = ("database",) if role == "mysql" else ("media", "data")
    return {kind: settings[kind] for kind in kinds if kind in settings}


def given_volumes(volumes: Mapping[str, Volume | None] | None) -> dict[str, Volume]:
    """Return {kind: volume} of the configured volumes, with paths as the engine reports them. volumes: the option of that name."""
    return {
        kind: {**volume, "source": normalized(volume["source"])} if volume["type"] == "bind" else volume
        for kind, volume in (volumes or {}).items()
        if volume
    }


def publish_option(node: Mapping[str, Any]) -> str:
    """Return the name of the option with the address on which a node is published."""
    options = {"webapp": "webapp_publish_address", "api_proxy": "api_proxy_publish_address"}
    return options.get(node["role"], "publish_address")


def published_on(node: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Return the address on which a node is published, "" for all."""
    return "" if node.get("host_network") else normalized_address(params[publish_option(node)])


def publications(node: Mapping[str, Any], params: Mapping[str, Any]) -> list[Publication]:
    """Return the publications of a node. params: the options that it was planned from."""
    found = []
    if node["published"]:
        webapps = "webapp" if params["webapps_behind_proxies"] else "api"
        audience = {"webapp": webapps, "api_proxy": "api"}.get(node["role"], "cluster")
        address = published_on(node, params)
        place = (publish_option(node), address, node["published"], node["target"], node["host_network"])
        found.append(Publication(audience, *place))
    if node["webhook_port"]:
        option = "webhook_publish_address"
        address = normalized_address(params[option])
        found.append(Publication("webhooks", option, address, (node["webhook_port"],), (WEBHOOK_PORT,)))
    if node["check_port"]:
        found.append(Publication("cluster", "api_proxy", LOOPBACK, (node["check_port"],), (API_CHECK_PORT,)))
    return found


def _holders(params: Mapping[str, Any]) -> list[Holder]:
    holders = []
    if params["database"]:
        database = params["database"]
        holders.append(_holder("mysql", 0, database["name"], "database", database["port"], "port"))
        if database["member"]:
            holders[0]["fixed"] = MEMBER_PORTS
            guard = _holder("guard", 0, f"{database['name']}-guard", "database", None, "guard")
            holders.append({**guard, "fixed": (GUARD_PORT,)})
    if params["arbitrator"]:
        arbitrator = _holder("arbitrator", 0, ARBITRATOR_SERVICE, "arbitrator", None, "port")
        holders.append({**arbitrator, "fixed": (GROUP_PORT,)})
    if params["proxy"]:
        holders.append({**_holder("proxy", 0, PROXY_SERVICE, "proxy", None, "port"), "fixed": ()})
    for role, option in LISTS:
        key = "port" if role == "webapp" else "ports"
        for index, instance in enumerate(params[option] or []):
            holders.append(_holder(role, index, instance["name"], f"{option}[{index}]", instance[key], key))
    if params["webhook_port"] is not None:
        for index, instance in enumerate(params["webapps"] or []):
            holders.append(
                {
                    **_holder(
                        "webhooks", index, f"of webapp {instance['name']}", "", params["webhook_port"] + index, ""
                    ),
                    "variable": _webhook_variable(index),
                }
            )
    return [*holders, *_api_proxy_holders(params["api_proxy"])]


def _api_proxy_holders(proxy: Mapping[str, Any] | None) -> list[Holder]:
    if not proxy:
        return []
    holders = [
        _holder("api_proxy", 0, API_PROXY_SERVICE, "api_proxy", proxy["port"], "port"),
        _holder("check", 0, f"of {API_PROXY_SERVICE}", "api_proxy", proxy["check_port"], "check_port"),
    ]
    if proxy["address"]:
        address = _holder("api_address", 0, API_ADDRESS_SERVICE, "api_proxy", None, "address")
        holders.append({**address, "fixed": ()})
    return holders


def _webhook_variable(index: int) -> str:
    return f"webhook_port[{index}]"


def _holder(role: str, index: int, name: str, option: str, pinned: str | int | None, key: str) -> Holder:
    holder = {"role": role, "index": index, "name": name, "option": option, "pinned": pinned}
    return {**holder, "variable": f"{option}.{key}"}


def _node(holder: Holder, ports_of: Mapping[str, tuple[int, ...]], params: Mapping[str, Any]) -> Node:
    """Return a node. ports_of: {variable: ports} as from `ports.allocate`."""
    role, single_server = holder["role"], params["layout"] == "single_server"
    published = ports_of[holder["variable"]]
    listener = ports_of.get(_webhook_variable(holder["index"]), ()) if role == "webapp" else ()
    host_network = role in HOST_NETWORK or (role == "mysql" and bool(params["database"]["member"]))
    targets = {
        "mysql": (DATABASE_PORT,),
        "webapp": (WEBAPP_PORT,),
        "proxy": (DATABASE_PORT, READER_PORT),
        "api_proxy": (API_PROXY_PORT,),
    }
    target = published if host_network else targets.get(role, NODE_PORTS)
    return {
        "name": holder["name"],
        "role": role,
        "image": _image(role, params),
        "hostname": holder["name"] if single_server else params["external_hostname"],
        # Nodes in one Docker network reach each other on the container's ports; a webapp is always addressed by its published port.
        "contact_ports": target if single_server and role != "webapp" else published,
        "published": published,
        "target": target,
        "webhook_port": listener[0] if listener else None,
        "check_port": params["api_proxy"]["check_port"] if role == "api_proxy" else None,
        "host_network": host_network,
    }


def _image(role: str, params: Mapping[str, Any]) -> str:
    option = OPTION_WITH_IMAGE.get(role)
    image: str = params[option]["image"] if option else params["images"]["webapp" if role == "webapp" else "coreapp"]
    return image


def _name_problems(holders: Iterable[Holder]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for holder in holders:
        if holder["role"] in LISTENERS:
            continue
        variable, name = f"{holder['option']}.name", holder["name"]
        if not SIMPLE_NAME.fullmatch(name):
            yield Problem(
                variable, name, "it is no name for a service", "Use a-z, 0-9, _ and -, a letter or digit first"
            )
        elif name in seen:
            yield Problem(
                variable, name, f"{seen[name]} has the same name", "Give every instance of a host its own name"
            )
        seen.setdefault(name, variable)


def _simple_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    if not SIMPLE_NAME.fullmatch(params["cluster_name"]):
        yield Problem(
            "cluster_name",
            params["cluster_name"],
            "it is no name for a cluster",
            "Use a-z, 0-9, _ and -, a letter or digit first",
        )
    if not is_host(params["external_hostname"]):
        yield Problem(
            "external_hostname",
            params["external_hostname"],
            "it is neither a host name nor an address",
            "Give one, without spaces",
        )
    if not params["images"] and any(params[option] for _role, option in LISTS):
        yield Problem("images", None, "the nodes have no images", "Set the images of coreapp and webapp")
    for option in ("path", *CERTIFICATES):
        if params[option] and not os.path.isabs(params[option]):
            yield Problem(option, params[option], "it is not an absolute path", "Let it begin with /")
    yield from _certificate_problems(params)
    yield from confinement.problems(params)
    for option in ("publish_address", "webapp_publish_address", "webhook_publish_address", "api_proxy_publish_address"):
        if params[option] and not is_address(params[option]):
            yield Problem(
                option, params[option], "it is not an IP address", "Give an address of this host, or '' for all"
            )


def _certificate_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    for pair in CERTIFICATE_PAIRS:
        for option, other in (pair, pair[::-1]):
            if params[other] and not params[option]:
                yield Problem(option, params[option], f"{other} is set and this is not", _pair_fix(option))
    if params["member_ca"] and not params["member_certificate"]:
        fix = "Set the member's certificate and key too, or none of the three"
        yield Problem("member_certificate", None, "members identify each other with certificates of their own", fix)
    if params["member_certificate"] and not params["member_ca"]:
        fix = "Name the authority that signed the certificates of all members"
        yield Problem("member_ca", None, "the certificates of the other members cannot be verified without it", fix)
    if params["database_tls_certificate"] and not params["database_tls_ca"]:
        fix = "Name the authority that signed the server's certificate"
        yield Problem("database_tls_ca", None, "nodes with a certificate of their own use no TLS without it", fix)


def _pair_fix(option: str) -> str:
    if option.startswith("webhook"):
        return "Set both, or none for HTTP behind a reverse proxy"
    if option.startswith("api_proxy"):
        return "Set both, or none to pass TLS through"
    no_default = "tls" in option or option.startswith("member")
    return "Set both, or none" + ("" if no_default else " for a self-signed certificate")


def _media_owner_problems(params: Mapping[str, Any]) -> list[Problem]:
    media = (params["volumes"] or {}).get("media")
    if not media or media["type"] != "bind":
        return []
    return confinement.owner_problems("volumes.media.owner", media.get("owner"), (params["images"] or {}).values())


def _volume_problems(volumes: Mapping[str, Volume | None]) -> Iterator[Problem]:
    for kind, volume in volumes.items():
        if not volume:
            continue
        variable, source = f"volumes.{kind}.source", volume["source"]
        if volume["type"] == "bind" and not os.path.isabs(source):
            yield Problem(variable, source, "it is not an absolute path, as a bind mount needs", "Let it begin with /")
        if volume["type"] != "bind" and not VOLUME_NAME.fullmatch(source):
            yield Problem(
                variable,
                source,
                "it is no name for a volume",
                "Use letters, digits, _ . and -, or type bind for a folder",
            )
