# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster_name:
    description: The cluster, whose database container is used unless O(database.host) is given.
    type: str
    default: waba
  database:
    description: The database, and the account of the nodes in it.
    type: dict
    required: true
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      user:
        description: The account.
        type: str
        required: true
      password:
        description: Its password. It reaches the server's programs by their environment, never by an argument.
        type: str
      password_file:
        description:
          - Environment file on this host that has it, as C(MYSQL_PASSWORD) or C(WA_DB_PASSWORD). One of O(database.password) and this is needed.
          - For a task with C(async), whose options Ansible writes to the host's disk, where a killed run leaves them.
        type: path
      host:
        description: Host of a server that the collection does not run. The cluster's own container on this host when absent.
        type: str
      port:
        description: Port of that server.
        type: int
        default: 3306
      tls_ca:
        description: PEM file on this host of the authority that signed that server's certificate.
        type: path
      tls_certificate:
        description: PEM file on this host with a client's certificate, where that server asks for one.
        type: path
      tls_key:
        description: PEM file on this host with the key of O(database.tls_certificate).
        type: path
"""
