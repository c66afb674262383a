# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check a host, and the settings for it, before anything is touched
version_added: 1.0.0
description:
  - Looks for everything that would make a deployment fail later, and tells it all at once, each with the setting, its value,
    what is wrong and how to fix it. It never fails because of what it finds, so that the findings of all hosts can be shown together.
  - Checks the input as C(waba.cluster.compose_files) does; every port of every range against the programs and containers of the host
    (our own containers are no clash), and the addresses that they are published on; the database, if it is one of yours; distribution, Docker engine
    and Compose; free space, memory, architecture, volumes, the kernel's NFS client and certificate files; and whether the cluster as a whole can
    survive the loss of a node.
  - With O(hosts), given where only the cluster's hosts are to reach its ports, that each is found by its first name, and that this one comes
    to the others from an address that it is known by.
  - Needs nothing on the host but Python. Changes nothing.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.hosts
  - waba.cluster.attributes.read_only
options:
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
    description: Whether somebody gives the password of the database container. When not, a database that has one already is refused.
    type: bool
    default: true
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
"""

EXAMPLES = r"""
- name: Check a host that will run a master and a coreapp
  waba.cluster.preflight:
    external_hostname: node1.example.com
    masters: [{name: master}]
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}
    masters_total: 2
    coreapps_total: 2
    webapps_total: 1
    database_address: {host: db.example.com}
  register: found
  failed_when: found.problems | length > 0
"""

RETURN = r"""
problems:
  description: What is wrong.
  returned: always
  type: list
  elements: dict
  sample:
    - variable: webapps[0].port
      value: "9090"
      problem: port 9090 (webapp waweb) is taken by python3 (pid 123)
      fix: Stop it, or give this instance other ports
risks:
  description: What is allowed and may yet be regretted, in the same form.
  returned: always
  type: list
  elements: dict
  sample:
    - {variable: masters, value: 2, problem: the loss of this one machine takes 2 masters with it, fix: Spread them over more machines}
nodes:
  description:
    - The services of the host with the ports they will publish, on which address, and which of these ports run already; empty where the input is wrong.
  returned: always
  type: list
  elements: dict
  sample: [{name: master1, role: master, published: [6254, 6255, 6256, 6257], running: [], address: ""}]
facts:
  description:
    - What the hosts of a cluster are compared by; whether the host serves the share for media, and has rules of M(waba.cluster.firewall); whether its
      containers run under the names and addresses that are wanted now, and by which names they look for the database.
  returned: always
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

import socket
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import HOSTS_OPTIONS, PLAN_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.compose import volumes
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import live_nodes
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import volume_usage as volume_use
from ansible_collections.waba.cluster.plugins.module_utils.compose.nodes import (
    plan_nodes,
    published_on,
    volume_settings,
)
from ansible_collections.waba.cluster.plugins.module_utils.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.firewall.io import iptables
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.preflight import host as requirements
from ansible_collections.waba.cluster.plugins.module_utils.preflight import ports_in_use, software
from ansible_collections.waba.cluster.plugins.module_utils.preflight import reachability as reach
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import live_host as host
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import machine, peers
from ansible_collections.waba.cluster.plugins.module_utils.rollout import order as rolling

OPTIONS = {
    **PLAN_OPTIONS,
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
    "nfs": {"type": "bool", "default": False},
    "nfs_port": {"type": "int"},
    **HOSTS_OPTIONS,
    "architectures": {"type": "list", "elements": "str", "default": ["x86_64", "aarch64"]},
}


COUNTS = ("masters_total", "coreapps_total", "webapps_total", "shards", "ha")
REPORTED = ("name", "role", "published", "running", "address")


def check(module):
    """Return (problems, warnings, nodes, facts) of a host. Raises HostError."""
    params, deployed = module.params, deployed_nodes(module.params)
    found = requirements.cluster_problems(*(params[key] for key in COUNTS))
    warnings = requirements.gathering_warnings(params)
    try:
        nodes = plan_nodes(params)
    except problems.InputError as error:
        nodes = []
        found.extend(error.problems)  # without sound input there are no ports to look for
    else:
        taken, ours = host.ports_taken(params["cluster_name"], (params["images"] or {}).values())
        for gathered, more in zip((found, warnings), ports_in_use.clashes(nodes, taken, params)):
            gathered.extend(more)
        nodes = [
            {
                **node,
                "running": [port for port in node["published"] if port in ours],
                "address": published_on(node, params),
            }
            for node in nodes
        ]
        found.extend(requirements.address_problems(nodes, params, host.has_address))
        found.extend(requirements.memory_problems(nodes, machine.memory_mb()))
        found.extend(rolling.version_problems(running_nodes(params), params["images"], params["version_change"]))
    found.extend(requirements.host_problems({**host.host_facts(params), "nfs": machine.has_nfs()}, params))
    for gathered, more in zip(
        (found, warnings), software.judge(machine.software(module.run_command), params["managed"])
    ):
        gathered.extend(more)
    found.extend(volume_problems(params, nodes))
    found.extend(database_problems(params["database_address"], params["connect_timeout"]))
    found.extend(peers.addresses(params["hosts"], params["host"])[1])
    if params["database"] and not params["database_password_known"]:
        found.extend(forgotten_password(params))
    facts = {
        **{key: params[key] for key in ("external_hostname", "layout", "cluster_name")},
        "machine_id": machine.machine_id(),
        "serves_share": host.listens(params["nfs_port"]),
        "firewall": iptables.has_rules(params["cluster_name"]),
        "as_deployed": reach.is_as_deployed(nodes, deployed),
        "databases": sorted({node["database"] for node in deployed.values()} - {""}),
    }
    return found, warnings, nodes, facts


def volume_problems(params, nodes):
    """Return what is wrong (list of Problem) with the volumes of this host. Raises HostError."""
    used = volumes.given(params["volumes"], nodes).items()
    # Where the host mounts the share, that is the folder for media, and yet to be mounted.
    shared = ("media", "bind") if params["nfs"] else None
    settled = {kind: volume for kind, volume in used if (kind, volume["type"]) != shared}
    return volume_use.problems(params, settled)


def running_nodes(params):
    """Return the nodes that this host has containers of (list of dict); none where that cannot be asked yet."""
    try:
        found = live_nodes.observed(docker_engine.connect(), params["cluster_name"], params["path"])
    except DockerUnavailable:
        return []
    return [node for node in found if node["image"]]


def deployed_nodes(params):
    """Return `compose.io.live_nodes.deployed` of this host; nothing where that cannot be asked yet. Raises HostError."""
    try:
        return live_nodes.deployed(docker_engine.connect(), params["cluster_name"])
    except DockerUnavailable:
        return {}


def database_problems(address, timeout):
    """Return what is wrong (list of Problem) with a database of the user's. address: {"host", "port"}, or None for no such database."""
    if not address:
        return []
    error = host.connection_error(address["host"], address["port"], timeout) if address["host"] else "-"
    return [requirements.database_problem(address, error)] if error else []


def forgotten_password(params):
    """Return what is wrong (list of Problem) when a new password is about to be made for this host's database."""
    kind, source = mount_source(params["cluster_name"], volume_settings(params, "mysql")["database"])
    return [requirements.forgotten_password_problem(source)] if host.holds_data(kind, source) else []


def main():
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    clock = time.time()
    try:
        found, warnings, nodes, facts = check(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        problems=[problem._asdict() for problem in found],
        risks=[warning._asdict() for warning in warnings],
        nodes=[{key: node[key] for key in REPORTED} for node in nodes],
        facts=facts,
        clock=clock,
    )


if __name__ == "__main__":
    main()
