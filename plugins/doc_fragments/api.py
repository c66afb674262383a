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
  cluster_name:
    description:
      - Name of the cluster whose webapp has O(url). The webapp runs on the host of this module and publishes the port of the URL there.
      - The server must present the certificate that is read inside the container of this webapp, so a self-signed one is verified too, and a certificate
        need not name the host of the URL. O(validate_certs) and O(ca_path) then have no effect.
      - The vendor's image reports no certificate. It is called without verification.
    type: str
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
