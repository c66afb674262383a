# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall
short_description: Restrict access to the ports that a host publishes for a cluster
version_added: 1.0.0
description:
  - Opens the ports of masters, coreapps and the database to the cluster's hosts only, those of webapps to O(api_sources) as well, and those of webhook
    listeners to O(webhook_sources), with iptables and ip6tables. Where clients use API proxies, O(api_sources) may reach the proxies, and
    O(webapp_sources) the webapps.
  - The rules are in chains of their own, which are called from INPUT and from DOCKER-USER, the chain that Docker reserves for users. No other rule
    is changed, and no packet for another port is refused. Access by SSH and to other containers is not affected.
  - Rules that differ are replaced in one transaction. Established connections are not interrupted.
  - A systemd unit restores the rules before Docker starts. On a host without systemd, the rules last until it stops.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.plan
  - waba.cluster.hosts
  - waba.cluster.attributes
requirements:
  - iptables (the nftables or the legacy variant, the same that Docker uses on the host)
options:
  state:
    description: V(absent) removes all rules of O(cluster_name), and needs no other option.
    type: str
    choices: [present, absent]
    default: present
  api_sources:
    description: Addresses and networks that may reach the ports of webapps, or of API proxies, in addition to the cluster's hosts.
    type: list
    elements: str
    default: []
  webapp_sources:
    description:
      - Addresses and networks that may reach the ports of webapps where O(webapps_behind_proxies=true), in addition to the cluster's hosts.
    type: list
    elements: str
    default: []
  webhook_sources:
    description: Addresses and networks that may reach the ports of webhook listeners, in addition to the cluster's hosts.
    type: list
    elements: str
    default: []
  nfs_port:
    description: The port of the NFS server, if it runs on this host.
    type: int
seealso:
  - module: waba.cluster.compose_files
"""

EXAMPLES = r"""
- name: Open the ports of a coreapp to the cluster's hosts only
  waba.cluster.firewall:
    host: coreapp1
    hosts:
      - {host: coreapp1, names: [192.0.2.11]}
      - {host: master1, names: [master1.example.com, 192.0.2.12]}
    coreapps: [{name: wacore}]
    images: {coreapp: "waba/node:v1.0.0", webapp: "waba/node:v1.0.0"}

- name: Remove the rules
  waba.cluster.firewall:
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host has iptables. If not, nothing is changed.
  returned: always
  type: bool
addresses:
  description: The addresses of the cluster's hosts.
  returned: when O(state=present) and the host has iptables
  type: list
  elements: str
  sample: [192.0.2.11, 192.0.2.12]
"""

import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import (
    FIREWALL_OPTIONS,
    HOSTS_OPTIONS,
    PLAN_OPTIONS,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.io.convergence import converge
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={**PLAN_OPTIONS, **HOSTS_OPTIONS, **FIREWALL_OPTIONS}, supports_check_mode=True
    )
    params = module.params
    params["external_hostname"] = params["external_hostname"] or socket.getfqdn()
    try:
        result = converge(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    except problems.InputError as error:
        message = problems.message(
            error.problems, params["host"], "Nothing was changed. Fix the settings of the firewall"
        )
        module.fail_json(msg=message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
