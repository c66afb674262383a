# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Back up the database of a cluster, and optionally its media
version_added: 1.0.0
description:
  - Dumps the database in one transaction, with the server's own program, while the nodes continue to work. The dump contains application settings,
    users and messages.
  - Writes one tar file with mode 0600. Its manifest contains the time by the database's clock, the versions and the checksum of each member.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.database
  - waba.cluster.backup
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the cluster's own database container
  - C(mariadb-dump) or C(mysqldump) (Debian package mariadb-client), for another server
attributes:
  diff_mode:
    support: none
    details: The content of a backup is not displayed.
  idempotent:
    support: none
    details: Every run writes a new backup.
options:
  path:
    description: The archive to write on this host. Its folder must exist.
    type: path
    required: true
  database_info:
    description: The state of the database by M(waba.cluster.node_database_info), read before this task. The manifest contains it.
    type: dict
    required: true
seealso:
  - module: waba.cluster.node_database_info
  - module: waba.cluster.restore
"""

EXAMPLES = r"""
- name: Read the state of the database
  waba.cluster.node_database_info:
  register: state

- name: Back up the database
  waba.cluster.backup:
    path: /var/backups/waba.tar
    database_info: "{{ state.database }}"
    database: {name: waba, user: waba, password: "{{ waba_database_password }}"}
"""

RETURN = r"""
manifest:
  description: The manifest of the archive.
  returned: success, except in check mode
  type: dict
  sample:
    format: 1
    cluster: waba
    versions: [1.0.0]
    revision: "0001"
    server: 11.8.3-MariaDB
    taken_at: "2026-01-31 12:00:00"
    tables: [api_user, message]
    members: {database.sql.gz: {sha256: 9f86d0, bytes: 4711}}
sha256:
  description: Checksum of the archive.
  returned: success, except in check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import BACKUP_OPTIONS, DATABASE_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import archiving, backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand


def back_up(params: dict[str, Any], run_command: RunCommand) -> dict[str, Any]:
    """Write the archive; return the module's result. Raises HostError."""
    path, cluster, name = params["path"], params["cluster_name"], params["database"]["name"]
    with backup_archive.exclusive(path, cluster):
        database = DatabaseClient(run_command, cluster, params["database"])
        manifest = archiving.write(path, cluster, params["database_info"], database, name, params["media"])
        return {"changed": True, "manifest": manifest, "sha256": backup_archive.checksum(path)}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "database_info": {"type": "dict", "required": True},
            **DATABASE_OPTIONS,
            **BACKUP_OPTIONS,
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**back_up(module.params, module.run_command))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
