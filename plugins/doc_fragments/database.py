# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster_name:
    description: The cluster. Its database container on this host is used unless O(database.host) is set.
    type: str
    default: waba
  database:
    description: The database, and the nodes' account on it.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      user:
        description: The account.
        type: str
        required: true
      password:
        description: The account's password. It reaches the server's programs by their environment, never as an argument.
        type: str
      password_file:
        description:
          - Environment file on this host that contains the password as C(MYSQL_PASSWORD) or C(WA_DB_PASSWORD). Either O(database.password) or
            this option is required.
          - The account is that of C(MYSQL_USER) or C(WA_DB_USERNAME) in the file, if it has one, since a rotation changes both.
          - Use it in a task with C(async). Ansible writes the options of such a task to the host's disk, where an interrupted run leaves them.
        type: path
      host:
        description: Host of a server that the collection does not run. The cluster's own container on this host when absent.
        type: str
      port:
        description: Port of that server.
        type: int
        default: 3306
      tls_ca:
        description: PEM file on this host with the authority that signed that server's certificate.
        type: path
      tls_certificate:
        description: PEM file on this host with a client certificate, for a server that requires one.
        type: path
      tls_key:
        description: PEM file on this host with the key of O(database.tls_certificate).
        type: path
"""
