# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster_name:
    description: The cluster, whose name the container carries.
    type: str
    default: waba
  image:
    description: Image of the node.
    type: str
    required: true
  environment:
    description: The variables of the Cloud API, C(WABA_UPSTREAM) and C(WABA_CLOUD_*), as every node has them.
    type: dict
    required: true
  webhook_url:
    description: Public URL of the webhook listeners.
    type: str
    required: true
"""
