# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Observe a host once and compare it with its part of the cluster
version_added: 1.0.0
description:
  - Returns everything that a run needs to know about a host, in one call. The plan of a run and C(status.yml) are made from the results of all hosts.
  - Checks the input as M(waba.cluster.compose_files) does, every port against the programs and containers of the host (the cluster's own containers do
    not clash), the addresses that ports are published on, a database that the cluster does not run, the distribution, Docker Engine and Compose, free
    space, memory, architecture, volumes, the kernel's NFS client and certificate files, the network of a virtual address, and whether the cluster survives
    the loss of a node.
  - With O(hosts), checks that every host is found by its first name, and that this host reaches the others from an address that they know.
  - Compares the files and containers of the host with those that the settings ask for.
  - Needs only Python on the host. Never fails because of a problem that it finds, so that the problems of all hosts can be reported together.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.hosts
  - waba.cluster.egress
  - waba.cluster.attributes.read_only
options:
  checks:
    description: Run the preflight checks too. Without them, only files, containers and images are compared.
    type: bool
    default: true
  environment:
    description: Environment variables of every node. Neither C(db.env) nor the environment of the nodes' containers is compared when absent.
    type: dict
  database_environment:
    description: Environment variables of the database container. Neither C(mysql.env) nor the environment of that container is compared when absent.
    type: dict
  wanted_images:
    description: Names of the images that the host needs.
    type: list
    elements: str
    default: []
  firewall:
    description: The options of M(waba.cluster.firewall), to compare the firewall of the host. Not compared when absent.
    type: dict
  export:
    description: The options of M(waba.cluster.nfs_exports), to compare the export of the host. Not compared when absent.
    type: dict
  mount:
    description: The options of M(waba.cluster.nfs_mount), to compare the share that the host mounts. Not compared when absent.
    type: dict
  backup:
    description: The options of M(waba.cluster.backup_schedule), to compare the schedule of backups of the host. Not compared when absent.
    type: dict
  own_share:
    description: Whether a host of the inventory exports the share. It may do so later in the run, so a server that does not answer is no problem.
    type: bool
    default: false
  masters_total:
    description: How many masters the whole cluster has.
    type: int
  coreapps_total:
    description: How many coreapps the whole cluster has.
    type: int
  webapps_total:
    description: How many webapps the whole cluster has.
    type: int
  shards:
    description: How many shards the cluster has.
    type: int
    default: 1
  ha:
    description: Refuse a cluster that cannot survive the loss of a node.
    type: bool
    default: true
  database_address:
    description: Where the database answers, when it is one that the collection does not run.
    type: dict
    suboptions:
      host:
        description: Its name or address.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 3306
  version_change:
    description: Accept that running nodes get another version, all at once. That is refused otherwise, as are older versions by mistake.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for the database's answer.
    type: int
    default: 5
  min_free_mb:
    description: Free space that the file systems of C(/var/lib/docker) and O(path) must have, in MB.
    type: int
    default: 1024
  managed:
    description: Whether the collection installs Docker where it is missing, and starts it.
    type: bool
    default: true
  database_password_known:
    description: Whether the password of the database container is known. If not, a database that already has a password is refused.
    type: bool
    default: true
  rotated_passwords:
    description: Former passwords of the database, which a rotation is about to replace on this host. Otherwise a changed password is refused.
    type: list
    elements: str
    default: []
  nfs:
    description: Whether this host is to mount an NFS share.
    type: bool
    default: false
  nfs_port:
    description: The port at which this host is to serve the share for media, where it is to.
    type: int
  architectures:
    description: Machine architectures for which there are images.
    type: list
    elements: str
    default: [x86_64, aarch64]
seealso:
  - module: waba.cluster.compose_files
  - module: waba.cluster.compose_project
"""

EXAMPLES = r"""
- name: Observe a host that runs a master and a coreapp
  waba.cluster.host_info:
    external_hostname: node1.example.com
    masters: [{name: master}]
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
    masters_total: 2
    coreapps_total: 2
    webapps_total: 1
    database_address: {host: db.example.com}
  register: observed
  failed_when: observed.problems | length > 0
"""

RETURN = r"""
problems:
  description: Problems that would make a deployment fail.
  returned: always
  type: list
  elements: dict
  sample:
    - variable: webapps[0].port
      value: "9090"
      problem: port 9090 (webapp waweb) is taken by python3 (pid 123)
      fix: Stop it, or give this instance other ports
risks:
  description: Settings that are allowed but may be regretted, in the same form.
  returned: always
  type: list
  elements: dict
  sample:
    - {variable: masters, value: 2, problem: the loss of this one machine takes 2 masters with it, fix: Spread them over more machines}
certificates:
  description: The certificates that the settings name, with the days until the first one of each file expires, and whether that is soon.
  returned: always
  type: list
  elements: dict
  sample: [{setting: waba_webapp_certificate, path: /etc/ssl/api.pem, expires: "2026-12-01", days: 12, soon: true, problem: ""}]
nodes:
  description:
    - The services of the host with the ports that they publish, the address they are published on, and the ports that are in use by a running container
      of the cluster. Empty where the input is invalid.
  returned: always
  type: list
  elements: dict
  sample: [{name: master1, role: master, published: [6254, 6255, 6256, 6257], running: [], address: ""}]
holds_address:
  description: Whether the host has the virtual address of the API proxies now.
  returned: always
  type: bool
  sample: false
facts:
  description:
    - Facts by which the hosts of a cluster are compared, whether the host serves the share for media, whether it has rules of M(waba.cluster.firewall),
      whether its containers run under the names and addresses of the settings, the names under which they call the database, and whether the virtual
      address of the API proxies is held by the host or answers elsewhere.
  returned: O(checks=true)
  type: dict
  sample:
    external_hostname: node1.example.com
    layout: role
    cluster_name: waba
    machine_id: 0b5c8f0a2d3e4b5c8f0a2d3e4b5c8f0a
    serves_share: false
    firewall: false
    as_deployed: true
    databases: [db1.example.com]
services:
  description: The planned services and other containers of the cluster, each with its differences from the settings.
  returned: where the input is valid
  type: list
  elements: dict
  sample: [{service: master, role: master, container: 0123456789ab, image: "waba/node:v1.0.0", state: exited, health: "", drift: [it is exited]}]
files:
  description: The files that differ from the settings, and how.
  returned: where the input is valid
  type: dict
  sample: {db.env: it is not what the inventory says}
file_changes:
  description: The files that M(waba.cluster.compose_files) would write.
  returned: where the input is valid
  type: list
  elements: dict
  sample: [{name: db.env, action: update}]
actions:
  description: The actions that M(waba.cluster.compose_project) would take.
  returned: where the input is valid
  type: list
  elements: dict
  sample: [{service: wacore, role: coreapp, image: "waba/node:v1.0.0", action: start, reason: it is exited}]
images:
  description: Those of O(wanted_images) that the host has, by name.
  returned: always
  type: dict
  sample: {"waba/node:v1.0.0": {id: "sha256:3f1c", source_hash: 5f1d7a84}}
firewall:
  description: The change of the firewall as object, action and reason, null where it is as wanted, and its diff.
  returned: with O(firewall)
  type: dict
  sample: {change: [firewall, apply, it differs from the settings], diff: {before: "", after: ""}}
export:
  description: The difference of the export.
  returned: with O(export)
  type: dict
mount:
  description: The difference of the mount.
  returned: with O(mount)
  type: dict
backup:
  description: The difference of the schedule of backups.
  returned: with O(backup)
  type: dict
backups:
  description: The state of the backups that the host makes by itself, and its problem, which is empty where the last good backup is recent enough.
  returned: with O(backup), where a schedule is set up
  type: dict
  sample: {state: last good backup 3 h ago, problem: ""}
single_connect:
  description: Names of running containers that connect the same number outside the cluster.
  returned: always
  type: list
  elements: str
  sample: [biz_wacore_1]
docker:
  description:
    - The Docker packages that the host lacks, whether its engine runs, and how its proxy differs from O(egress_proxy), empty where it does not or the
      collection does not manage Docker.
  returned: always
  type: dict
  sample: {missing_packages: [docker.io], running: false, proxy: ""}
error:
  description: Why the containers could not be inspected; empty where they could.
  returned: where the input is valid
  type: str
  sample: ""
external_hostname:
  description: The name under which the other hosts know this one.
  returned: always
  type: str
  sample: node1.example.com
clock:
  description: The host's clock, in seconds since 1970.
  returned: always
  type: float
  sample: 1767225600.5
clock_ahead:
  description: Fewest and most seconds by which the host's clock is ahead of the controller's; negative when it is behind.
  returned: always
  type: list
  elements: float
  sample: [-0.7, 0.1]
"""

import os
import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import (
    EGRESS_OPTIONS,
    HOSTS_OPTIONS,
    PLAN_OPTIONS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import schedule
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import expiry
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates.io import host_certificates
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster.io import parts as parts_of_host
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import observation
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import (
    engine,
    image_store,
    live_engine_proxy,
    live_single_connect,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import checks, live_address, machine
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

ENVIRONMENTS = ("environment", "database_environment")
CONTAINER_PARTS = ("masters", "coreapps", "webapps", "database", "arbitrator", "api_proxy")
OPTIONS = {
    **PLAN_OPTIONS,
    "checks": {"type": "bool", "default": True},
    **{name: {"type": "dict", "no_log": True} for name in ENVIRONMENTS},
    "wanted_images": {"type": "list", "elements": "str", "default": []},
    "firewall": {"type": "dict"},
    "export": {"type": "dict"},
    "mount": {"type": "dict"},
    "backup": {"type": "dict"},
    "own_share": {"type": "bool", "default": False},
    "masters_total": {"type": "int"},
    "coreapps_total": {"type": "int"},
    "webapps_total": {"type": "int"},
    "shards": {"type": "int", "default": 1},
    "ha": {"type": "bool", "default": True},
    "database_address": {
        "type": "dict",
        "options": {"host": {"type": "str", "required": True}, "port": {"type": "int", "default": 3306}},
    },
    "version_change": {"type": "bool", "default": False},
    "connect_timeout": {"type": "int", "default": 5},
    "min_free_mb": {"type": "int", "default": 1024},
    "managed": {"type": "bool", "default": True},
    "database_password_known": {"type": "bool", "default": True, "no_log": False},
    "rotated_passwords": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "nfs": {"type": "bool", "default": False},
    "nfs_port": {"type": "int"},
    **HOSTS_OPTIONS,
    **EGRESS_OPTIONS,
    "architectures": {"type": "list", "elements": "str", "default": ["x86_64", "aarch64"]},
}


def engine_facts(params: dict[str, Any]) -> dict[str, Any]:
    """Return {"images", "single_connect"} of the host; empty where its engine cannot be asked. Raises HostError."""
    try:
        client = engine.connect()
    except DockerUnavailable:
        return {"images": {}, "single_connect": []}
    running = live_single_connect.running(client, list((params["images"] or {}).values()))
    return {
        "images": image_store.facts(client, params["wanted_images"]),
        "single_connect": sorted(container["Name"].lstrip("/") for container in running),
    }


def compared(params: dict[str, Any]) -> dict[str, Any]:
    """Return `observation.observe` of the host; {} where its settings cannot be planned. Raises HostError."""
    environments = {name: params[name] and dotenv.checked(params[name], name)[0] for name in ENVIRONMENTS}
    try:
        planned = plan_nodes(params)
    except InputError:
        return {}
    return observation.observe(params, planned, environments, os.urandom(32))


def observe(module: AnsibleModule) -> dict[str, Any]:
    """Return the module's result. Raises HostError."""
    params = module.params
    parts, problems = parts_of_host.compare(module, params["own_share"])
    certificates = expiry.described(host_certificates.read(params), time.time())
    result: dict[str, Any] = {
        "problems": [problem._asdict() for problem in problems],
        "risks": [],
        "certificates": certificates,
        "nodes": [],
        "holds_address": live_address.holds(params["api_proxy"]),
        **parts,
        **recorded_backups(params["backup"]),
    }
    if not runs_containers(params):
        # A host that only serves or mounts the share needs no Docker.
        docker = {"missing_packages": [], "running": True, "proxy": ""}
        return {
            **result,
            "images": {},
            "single_connect": [],
            "docker": docker,
            "services": [],
            "files": {},
            "error": "",
        }
    installed = machine.software(module.run_command)
    if params["checks"]:
        found = checks.check(params, installed)
        result["problems"] += [problem._asdict() for problem in found["problems"]]
        result["risks"] = [risk._asdict() for risk in [*found["risks"], *expiry.warnings(certificates)]]
        result["nodes"] = checks.reported(found["nodes"])
        result["facts"] = found["facts"]
    try:
        missing = packages.packages_for(
            installed["lacks"], installed["distribution"], installed["release"], docker_ce=installed["docker_ce"]
        )
    except packages.UnknownDistribution:
        missing = installed["lacks"]
    proxy = proxy_difference(params["egress_proxy"]) if params["managed"] else ""
    docker = {"missing_packages": missing, "running": bool(installed["engine"]), "proxy": proxy}
    return {**result, **compared(params), **engine_facts(params), "docker": docker}


def proxy_difference(proxy: dict[str, Any] | None) -> str:
    """Return how the engine's proxy differs from the given one, "" where it does not. Raises HostError."""
    if live_engine_proxy.differing_files(proxy):
        return "its proxy is not the one of the settings" if proxy else "the settings name no proxy for it"
    return "it has run since before its proxy changed" if live_engine_proxy.is_stale(proxy) else ""


def recorded_backups(given: dict[str, Any] | None) -> dict[str, Any]:
    """Return {"backups"} of a host that makes backups by itself; {} for any other. Raises HostError."""
    found = schedule.recorded(given) if given and given["state"] == "present" else {}
    return {"backups": found} if found else {}


def runs_containers(params: dict[str, Any]) -> bool:
    """Return whether the cluster has containers on this host, or the settings that say so are not known."""
    return params["checks"] or any(params[part] for part in CONTAINER_PARTS)


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    for values in (params[name] or {} for name in ENVIRONMENTS):
        module.no_log_values -= redaction.plain_values(values)
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    clock = time.time()
    try:
        result = observe(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, external_hostname=params["external_hostname"], clock=clock, **result)


if __name__ == "__main__":
    main()
