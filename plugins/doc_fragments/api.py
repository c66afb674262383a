# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description: Address of a webapp, for example V(https://localhost:9090).
    type: str
    required: true
  validate_certs:
    description: Verify the webapp's certificate.
    type: bool
    default: true
  ca_path:
    description: PEM file of the authority that signed the webapp's certificate.
    type: path
"""

    # Modules that log in as an administrator who has the final password.
    ADMIN = r"""
options:
  username:
    description: An administrator.
    type: str
    default: admin
  password:
    description: The administrator's password.
    type: str
    required: true
"""
