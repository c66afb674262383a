# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # Modules that run a command of the node in a container beside a master of the host.
    DOCUMENTATION = r"""
requirements:
  - Docker SDK for Python (Debian package python3-docker)
options:
  cluster_name:
    description: The cluster. This host must have one of its masters.
    type: str
    default: waba
"""
