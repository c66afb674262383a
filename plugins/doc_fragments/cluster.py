# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster_name:
    description: The cluster.
    type: str
    default: waba
  path:
    description: The host's folder for the cluster's files.
    type: path
    default: /opt/waba
"""
