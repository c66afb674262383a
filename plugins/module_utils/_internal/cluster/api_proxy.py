# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API proxies of a cluster: problems with their settings, and what their configuration says.

See docs/adr/0031-one-address-for-clients.md.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import (
    in_url,
    is_address,
    is_host,
    normalized,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import settings_of
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    API_CHECK_PORT,
    API_PROXY_PORT,
    CERTIFICATES,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

Settings = Mapping[str, Any]

TERMINATE = "terminate"  # the value of waba_api_proxy_tls for TLS that ends at the proxy
FEWEST_HOSTS = 2  # that share a virtual address
VRRP_IDS = range(1, 256)
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,14}")  # at most 15 characters, as the kernel requires
UNNAMEABLE = re.compile(r"[^A-Za-z0-9_.:-]")  # characters that HAProxy refuses in the name of a server
# A call must not find two sets of rules, depending on the proxy that answers it.
SHARED = (
    "waba_api_proxy_port",
    "waba_api_proxy_tls",
    "waba_api_proxy_address",
    "waba_api_proxy_vrrp_id",
    "waba_api_proxy_image",
)
# Options of a host's plan that name files of the host.
FILES = settings_of("api_proxy_certificate", "api_proxy_certificate_key", "api_proxy_webapp_ca")

# VRRP (RFC 5798): a backup takes the address over when it has heard nothing for three intervals and its skew, (256 - priority) / 256 of an interval. All
# proxies have the same priority, so a host that returns leaves the address where it is. Together 0.90 s: less than the second after which Linux repeats
# the first packet of a connection, so that no client waits for the repetition after that (docs/configure/api-proxy.md).
ADVERTISEMENT = 0.3  # seconds
PRIORITY = 254  # the highest that a backup can have
PENALTY = 100  # of a host whose proxy is not ready
CHECK_INTERVAL = 0.5  # seconds between two checks of the host's own proxy
CHECK_TIMEOUT = 2  # seconds
CHECK_FAILURES = 2


def takeover_time() -> float:
    """Return the seconds after the last advertisement of a lost host until another host holds the address."""
    return 3 * ADVERTISEMENT + ADVERTISEMENT * (256 - PRIORITY) / 256


def problems(parts: Mapping[str, Sequence[str]], settings: Mapping[str, Settings]) -> dict[str, list[Problem]]:
    """Return {host: problems} of the API proxies. parts: as from `topology.members`. settings: {host: {variable: value}}."""
    hosts = parts["api_proxies"]
    found = {host: _host_problems(settings[host], settings[hosts[0]]) for host in hosts}
    for host in hosts:
        found[host] += _address_problems(settings[host], hosts, settings)
    webapps = [host for host in parts["webapps"] if settings[host]["waba_webapp_instances"]]
    if hosts and not webapps:
        fix = "Put a host into the group of waba_group_webapps, or leave this group empty"
        found[hosts[0]].append(
            Problem("waba_group_api_proxies", ", ".join(hosts), "there is no webapp to pass calls on to", fix)
        )
    for host in webapps if hosts else ():
        found.setdefault(host, []).extend(_webapp_problems(settings[host], settings[hosts[0]]))
    return found


def _host_problems(values: Settings, first: Settings) -> list[Problem]:
    found = [
        Problem(
            name, values[name], f"the first API proxy has {first[name]!r}", "Give all the same, as in the group's file"
        )
        for name in SHARED
        if values[name] != first[name]
    ]
    if values["waba_layout"] == "single_server":
        problem = "on one machine a proxy adds nothing: clients use its webapps"
        found.append(Problem("waba_layout", "single_server", problem, "Leave the group of the API proxies empty"))
    return [*found, *_tls_problems(values)]


def _tls_problems(values: Settings) -> list[Problem]:
    certificate, key = values["waba_api_proxy_certificate"], values["waba_api_proxy_certificate_key"]
    if values["waba_api_proxy_tls"] != TERMINATE:
        problem = "TLS is passed through, so the webapps' certificates are served"
        fix = f"Leave it out, or set waba_api_proxy_tls to {TERMINATE}"
        return [Problem(name, values[name], problem, fix) for name in FILES.values() if values[name]]
    if certificate or key:  # that one of both is missing is reported for every pair of certificate and key
        return []
    fix = "Name the files of certificate and key (waba_api_proxy_certificate_key) on the host, or set it to passthrough"
    return [Problem("waba_api_proxy_tls", TERMINATE, "TLS ends at the proxy, which has no certificate", fix)]


def _address_problems(values: Settings, hosts: Sequence[str], settings: Mapping[str, Settings]) -> list[Problem]:
    address, interface = values["waba_api_proxy_address"], values["waba_api_proxy_interface"]
    if not address:
        return []
    setting, found = "waba_api_proxy_address", []
    if not is_address(address) or ipaddress.ip_address(address).version != 4:
        found.append(Problem(setting, address, "it is not an IPv4 address", "Give one, without a prefix length"))
    if len(hosts) < FEWEST_HOSTS:
        problem = f"{len(hosts)} host cannot hand it over to another one"
        fix = "Put a second host into the group of waba_group_api_proxies, or leave the address out"
        found.append(Problem(setting, address, problem, fix))
    names = {normalized(settings[host]["waba_external_hostname"]): host for host in settings}
    if normalized(address) in names:
        fix = "Give a free address of that network"
        found.append(Problem(setting, address, f"it is the address of {names[normalized(address)]}", fix))
    if not INTERFACE.fullmatch(interface):
        problem = "it names no network interface" if interface else "the virtual address needs a network interface"
        found.append(Problem("waba_api_proxy_interface", interface, problem, "Name the one in its network, as eth0"))
    if values["waba_api_proxy_vrrp_id"] not in VRRP_IDS:
        fix = "Give a number that no other VRRP router of the network has"
        problem = f"a VRRP id is {VRRP_IDS[0]} to {VRRP_IDS[-1]}"
        found.append(Problem("waba_api_proxy_vrrp_id", values["waba_api_proxy_vrrp_id"], problem, fix))
    if values["waba_api_proxy_publish_address"]:
        problem = "a port that is published on one address of the host does not receive the virtual address"
        fix = "Leave it out, and limit the sources with waba_firewall_api_sources"
        found.append(Problem("waba_api_proxy_publish_address", values["waba_api_proxy_publish_address"], problem, fix))
    return found


def _webapp_problems(values: Settings, proxy: Settings) -> list[Problem]:
    """Return the problems of the host of a webapp. proxy: the settings of the first API proxy."""
    found = []
    published, name = values["waba_webapp_publish_address"], values["waba_external_hostname"]
    if is_address(published) and ipaddress.ip_address(published).is_loopback:
        fix = "Give an address that the API proxies reach, or leave it out"
        found.append(Problem("waba_webapp_publish_address", published, "the API proxies cannot reach it", fix))
    if proxy["waba_api_proxy_webapp_ca"] and is_address(name):
        problem = "waba_api_proxy_webapp_ca is set, and a certificate is compared with a name, not with an address"
        fix = "Give the name that the webapp's certificate contains, or leave waba_api_proxy_webapp_ca out"
        found.append(Problem("waba_external_hostname", name, problem, fix))
    return found


def plan(values: Settings) -> dict[str, Any]:
    """Return the options of a host's plan for its API proxy. The configurations are "", because templates render them."""
    address = None
    if values["waba_api_proxy_address"]:
        keys = ("address", "interface", "vrrp_id")
        address = {**{key: values[f"waba_api_proxy_{key}"] for key in keys}, "configuration": ""}
    return {
        "api_proxy": {
            "image": values["waba_api_proxy_image"],
            "configuration": "",
            "port": values["waba_api_proxy_port"],
            "check_port": values["waba_api_proxy_check_port"],
            **({"address": address} if address else {}),
        },
        "api_proxy_publish_address": values["waba_api_proxy_publish_address"],
        **{option: values[setting] for option, setting in FILES.items() if values[setting]},
    }


def url(settings: Sequence[Settings]) -> str:
    """Return the URL at which clients reach the API proxies; that of the first one where they share no address. settings: of the proxies."""
    if not settings:
        return ""
    first = settings[0]
    host = first["waba_api_proxy_address"] or first["waba_api_proxy_publish_address"] or first["waba_external_hostname"]
    port = first["waba_api_proxy_port"]
    return f"https://{in_url(host)}{'' if port == 443 else f':{port}'}"


def servers(hosts: Iterable[tuple[str, Sequence[Mapping[str, Any]], Settings]]) -> list[dict[str, Any]]:
    """Return {"name", "address", "certificate_name"} of each webapp, as HAProxy reads them.

    hosts: (host, its nodes with "name", "role" and "ports", its settings). A name that is no host name is left out, since its own host reports it.
    """
    found = []
    for host, nodes, values in hosts:
        published, name = values["waba_webapp_publish_address"], values["waba_external_hostname"]
        everywhere = not published or ipaddress.ip_address(published).is_unspecified if _is_valid(published) else False
        target = name if everywhere else published
        found += [
            {
                "name": UNNAMEABLE.sub("-", f"{host}:{node['name']}"),
                "address": f"{in_url(target)}:{node['ports'][0]}",
                "certificate_name": name,
            }
            for node in nodes
            if node["role"] == "webapp" and is_host(target) and is_host(name)
        ]
    return found


def proxy_variables(webapps: Sequence[Mapping[str, Any]], plan_of_host: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of the template of HAProxy. webapps: as from `servers`. plan_of_host: as from `topology.host_plan`."""
    certificate = bool(plan_of_host.get("api_proxy_certificate"))
    return {
        "webapps": webapps,
        "ipv6": plan_of_host["ipv6"],
        "port": API_PROXY_PORT,
        "check_port": API_CHECK_PORT,
        "certificate": CERTIFICATES["api_proxy_certificate"][1] if certificate else "",
        "webapp_ca": CERTIFICATES["api_proxy_webapp_ca"][1] if plan_of_host.get("api_proxy_webapp_ca") else "",
    }


def address_variables(plan_of_host: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of the template of keepalived. plan_of_host: as from `topology.host_plan`, with a virtual address."""
    address = plan_of_host["api_proxy"]["address"]
    return {
        "cluster_name": plan_of_host["cluster_name"],
        **{key: address[key] for key in ("address", "interface", "vrrp_id")},
        "check_port": plan_of_host["api_proxy"]["check_port"],
        "advertisement": ADVERTISEMENT,
        "priority": PRIORITY,
        "penalty": PENALTY,
        "check_interval": CHECK_INTERVAL,
        "check_timeout": CHECK_TIMEOUT,
        "check_failures": CHECK_FAILURES,
    }


def _is_valid(address: str) -> bool:
    return not address or is_address(address)
