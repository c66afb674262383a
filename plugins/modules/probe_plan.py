# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: probe_plan
short_description: Decide which hosts probe which ports of which others
version_added: 1.0.0
description:
  - Uses the results of M(waba.cluster.host_info), registered as C(waba_observed), of all hosts of the play.
  - Runs on the controller.

author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  topology:
    description: The result of M(waba.cluster.topology).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Decide which hosts probe which ports
  waba.cluster.probe_plan:
    topology: "{{ waba_topology }}"
  register: waba_probes
  run_once: true
"""

RETURN = r"""
hosts:
  description: For each host, the ports to V(listen) on with the peers of each, and the targets to V(connect) to.
  returned: success
  type: dict
settled:
  description: Whether every container runs already under the names of the settings.
  returned: success
  type: bool
api_host:
  description: The first host that has a running webapp; empty where none has.
  returned: success
  type: str
  sample: webapp1
"""
