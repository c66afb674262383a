# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: reachability
short_description: Probe the ports between hosts before the containers run
version_added: 1.0.0
description:
  - With O(state=listening), listens on the ports of containers that do not run yet, in a background process and for at most O(seconds). The process ends
    as soon as each of O(ports) has heard from all of its peers.
  - With O(state=tried), connects to other hosts in parallel and returns the errors. Detects a name that leads to another machine than intended.
  - Changes nothing, and never fails because of a problem that it finds.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  state:
    description: What to do.
    type: str
    choices: [listening, tried]
    required: true
  host:
    description: The name of this host among the others.
    type: str
    required: true
  ports:
    description: Where to listen, for O(state=listening).
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address to listen on, every one when empty.
        type: str
        default: ""
      port:
        description: The port.
        type: int
        required: true
      peers:
        description: The hosts that will connect to it.
        type: list
        elements: str
        default: []
  seconds:
    description: How long to listen at most.
    type: int
    default: 60
  targets:
    description: What to reach, for O(state=tried).
    type: list
    elements: dict
    default: []
    suboptions:
      peer:
        description: Which host is meant.
        type: str
        required: true
      name:
        description: The name or address under which it should be found.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      runs:
        description: Whether the container runs there already, so that an answer is enough. Otherwise the listener must send the name of its host.
        type: bool
        default: true
      setting:
        description: The setting that the name comes from.
        type: str
        default: external_hostname
      may_refuse:
        description: Whether a refused connection is enough, because the server may not run yet.
        type: bool
        default: false
      firewalled:
        description: Whether the peer has rules of M(waba.cluster.firewall), which may not know this host yet. A refusal is then a warning.
        type: bool
        default: false
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 3
  ipv6:
    description: Whether the containers of this host have IPv6. If not, a host whose name has IPv6 addresses only is a problem.
    type: bool
    default: true
seealso:
  - module: waba.cluster.host_info
"""

EXAMPLES = r"""
- name: Stand in for the coreapp of this host
  waba.cluster.reachability:
    state: listening
    host: "{{ inventory_hostname }}"
    ports:
      - {port: 6250, peers: [master1, webapp1]}
      - {port: 6251, peers: [master1, webapp1]}

- name: Try to reach it
  waba.cluster.reachability:
    state: tried
    host: "{{ inventory_hostname }}"
    targets: [{peer: core1, name: core1.example.com, port: 6250, runs: false}]
"""

RETURN = r"""
problems:
  description: What is wrong.
  returned: always
  type: list
  elements: dict
  sample:
    - variable: external_hostname
      value: core1.example.com
      problem: "webapp1 cannot reach core1 (core1.example.com:6250): Connection refused"
      fix: Open these ports of core1 to webapp1, or fix the name under which core1 is reached
risks:
  description: What is allowed and may yet be regretted, in the same form.
  returned: always
  type: list
  elements: dict
  sample: []
again:
  description: Those of O(targets) that were refused, must not be once the firewalls know this host, and can be tried then.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import reachability as planner
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io import port_probe as driver

PORT = {
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "required": True},
    "peers": {"type": "list", "elements": "str", "default": []},
}
TARGET = {
    "peer": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "runs": {"type": "bool", "default": True},
    "setting": {"type": "str", "default": "external_hostname"},
    "may_refuse": {"type": "bool", "default": False},
    "firewalled": {"type": "bool", "default": False},
}
OPTIONS = {
    "state": {"type": "str", "choices": ["listening", "tried"], "required": True},
    "host": {"type": "str", "required": True},
    "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
    "seconds": {"type": "int", "default": 60},
    "targets": {"type": "list", "elements": "dict", "default": [], "options": TARGET},
    "timeout": {"type": "int", "default": 3},
    "ipv6": {"type": "bool", "default": True},
}


def listen(params: Mapping[str, Any]) -> None:
    """Listen for a host's containers. A port that cannot be opened is no problem here: `host_info` reports the program that uses it."""
    driver.stop_listeners()
    listeners, _failed = driver.open_ports(params["ports"])
    driver.serve_in_background(listeners, params["host"], params["seconds"])


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params, attempts = module.params, []
    if params["state"] == "listening":
        listen(params)
    else:
        attempts = driver.probe_all(params["targets"], params["host"], params["timeout"])
    found, warnings = planner.probe_problems(params["host"], attempts, params["ipv6"])
    module.exit_json(
        changed=False,
        problems=[problem._asdict() for problem in found],
        risks=[warning._asdict() for warning in warnings],
        again=planner.targets_to_retry(attempts),
    )


if __name__ == "__main__":
    main()
