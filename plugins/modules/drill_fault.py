# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: drill_fault
short_description: Kill, freeze or cut off containers of a host for some seconds
version_added: 1.0.0
description:
  - Causes the fault, waits for O(duration) seconds, and undoes it.
  - Before the fault, a timer of the host is set that undoes it 30 seconds after its end. It works when the module, its connection or the control node is
    killed meanwhile. With systemd it is a transient timer, otherwise a detached process.
  - The timer runs a shell script in C(/var/lib/waba-drill), which can also be run by hand, and which removes itself.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
attributes:
  diff_mode:
    support: none
  idempotent:
    support: none
requirements:
  - Docker SDK for Python (Debian package python3-docker)
  - nsenter and iptables, for O(fault=isolate)
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    default: waba
  containers:
    description: The ids of the containers, or their beginnings, in the order in which they start again. They must run.
    type: list
    elements: str
    required: true
  fault:
    description:
      - V(kill) ends the containers at once, with SIGKILL. They stay down until the fault ends.
      - V(freeze) stops all processes of the containers. Their connections stay open and do not answer.
      - V(isolate) drops every packet from and to the containers.
    type: str
    choices: [kill, freeze, isolate]
    required: true
  duration:
    description: Seconds for which the fault lasts.
    type: int
    required: true
  local_traffic:
    description: With O(fault=isolate), pass the traffic between the containers of the cluster on this host, as if the whole host was cut off.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Freeze a coreapp for a minute
  waba.cluster.drill_fault:
    containers: [0123456789ab]
    fault: freeze
    duration: 60
"""

RETURN = r"""
began:
  description: The moment before the fault, in seconds since 1970, by the clock of this host.
  returned: success, not in check mode
  type: float
  sample: 1790000000.25
ended:
  description: The moment at which the fault was undone.
  returned: success, not in check mode
  type: float
  sample: 1790000060.75
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io import fault
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.plan import FAULTS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

OPTIONS = {
    "cluster_name": {"type": "str", "default": "waba"},
    "containers": {"type": "list", "elements": "str", "required": True},
    "fault": {"type": "str", "choices": list(FAULTS), "required": True},
    "duration": {"type": "int", "required": True},
    "local_traffic": {"type": "bool", "default": False},
}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params, cluster = module.params, module.params["cluster_name"]
    try:
        client = engine.connect()
        victims = fault.victims(client, cluster, params["containers"])
        if module.check_mode:
            module.exit_json(changed=True)
        local = fault.local_addresses(client, cluster, module.run_command) if params["local_traffic"] else []
        lasted = fault.cause(module.run_command, cluster, params["fault"], victims, params["duration"], local)
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, **lasted)


if __name__ == "__main__":
    main()
