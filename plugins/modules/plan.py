# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Plan a run from the observations of all hosts
version_added: 1.0.0
description:
  - Fails with one table of all problems of all hosts, or shows the changes that the run makes, with the reason for each.
  - Uses the results that the role C(preflight) registers on the hosts of the play.
  - Runs on the controller. Reports a change in check mode only, where the plan is the end of the run.

author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  topology:
    description: The result of M(waba.cluster.topology).
    type: dict
    required: true
  show:
    description: Show the plan.
    type: bool
    default: true
  api_host:
    description: The host that was asked about the cluster; empty for none.
    type: str
    default: ""
  secrets:
    description: Names of the variables that hold secrets. Their values are compared between hosts and redacted in messages.
    type: list
    elements: str
    default: []
  missing_secrets:
    description: Those of O(secrets) that have no value.
    type: list
    elements: str
    default: []
  secrets_file:
    description: The file that generated secrets are written to.
    type: str
  warnings:
    description: Lines to print before the warnings that the observations give.
    type: list
    elements: str
    default: []
  admin_password_rotates:
    description: Accept that the admin has another password than the settings, because this run continues its rotation.
    type: bool
    default: false
  clock_tolerance:
    description: Seconds by which the clocks of two hosts may differ.
    type: float
    default: 2.0
"""

EXAMPLES = r"""
- name: Plan the run
  waba.cluster.plan:
    topology: "{{ waba_topology }}"
  register: waba_plan
  run_once: true
"""

RETURN = r"""
changes:
  description: The changes, in the order of the run.
  returned: success
  type: list
  elements: dict
  sample: [{host: node1, step: coreapps, object: container wacore, action: recreate, reason: "changed: image"}]
steps:
  description: For each host that differs, the steps that apply the changes.
  returned: success
  type: dict
  sample: {node1: [files, coreapps]}
known_images:
  description: What is known of the images before the run, by name.
  returned: success
  type: dict
missing_images:
  description: The images that each host lacks, or has with other content.
  returned: success
  type: dict
  sample: {node1: ["waba/node:v1.0.0"], node2: []}
"""
