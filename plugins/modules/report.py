# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Print lines for operators once, and fail with a one-line message on request
version_added: 1.0.0
description:
  - Prints a table or other lines as they are, with every callback plugin. C(ansible.builtin.debug) prints a text of several lines as one line, and
    C(ansible.builtin.fail) prints its message twice.
  - Runs on the controller only.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  lines:
    description: The lines to print.
    type: list
    elements: str
    default: []
  fail_msg:
    description: Fail with this message after printing. The task succeeds when it is empty.
    type: str
    default: ""
seealso:
  - plugin: waba.cluster.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Report the nodes
  waba.cluster.report:
    lines: "{{ health.nodes | waba.cluster.table(['name', 'role', 'gateway_status']) }}"
    fail_msg: "{{ '' if health.healthy else 'The cluster is unhealthy: ' ~ health.summary }}"
  run_once: true
"""

RETURN = r"""
lines:
  description: The printed lines.
  returned: success
  type: list
  elements: str
  sample: [name  role, ----  ----, wacore1  coreapp]
"""
