# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore a backup of waba.cluster.backup
version_added: 1.0.0
description:
  - Checks the archive and the database. If there are reasons not to restore, reports all of them and changes nothing.
  - Loads the database. Run M(waba.cluster.restored_database) afterwards, before any node starts.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.database
  - waba.cluster.backup
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the cluster's own database container
  - C(mariadb) or C(mysql) (Debian package mariadb-client), for another server
attributes:
  check_mode:
    details: Makes the same checks as a real run.
  diff_mode:
    support: none
    details: The content of a backup is not displayed.
  idempotent:
    support: none
    details: A second restore is refused, since the database is not empty then, unless O(overwrite=true).
options:
  path:
    description: The archive on this host.
    type: path
    required: true
  database_info:
    description: The state of the database by M(waba.cluster.node_database_info), read before this task.
    type: dict
    required: true
  version:
    description: The version of the nodes that will use the database. A backup of a newer version is refused.
    type: str
    required: true
  overwrite:
    description: Drop the current content of the database. It is lost.
    type: bool
    default: false
  connected:
    description: Restore even if nodes are connected to the database.
    type: bool
    default: false
seealso:
  - module: waba.cluster.backup
  - module: waba.cluster.node_database_info
  - module: waba.cluster.restored_database
"""

EXAMPLES = r"""
- name: Read the state of the database
  waba.cluster.node_database_info:
  register: before

- name: Restore the database
  waba.cluster.restore:
    path: /var/backups/waba.tar
    database_info: "{{ before.database }}"
    version: 1.0.0
    database: {name: waba, user: waba, password: "{{ waba_database_password }}"}
"""

RETURN = r"""
manifest:
  description: The manifest of the archive.
  returned: success
  type: dict
problems:
  description: The reasons not to restore, each with V(variable), V(value), V(problem) and V(fix).
  returned: failure
  type: list
  elements: dict
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import BACKUP_OPTIONS, DATABASE_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import backup
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import archiving, backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def restore(module: AnsibleModule) -> dict[str, Any]:
    """Check and restore; return the module's result. Raises HostError, InputError."""
    params = module.params
    scratch = os.path.join(os.path.dirname(params["path"]), ".restore")
    with backup_archive.exclusive(params["path"], params["cluster_name"]), files.scratch_folder(scratch) as folder:
        return _restore(module, folder)


def _restore(module: AnsibleModule, folder: str) -> dict[str, Any]:
    params, name = module.params, module.params["database"]["name"]
    manifest = backup_archive.unpack(params["path"], folder)
    database = DatabaseClient(module.run_command, params["cluster_name"], params["database"])
    database.rows("SELECT 1;")  # refuses a wrong address, account or certificate before the database is judged
    found = backup.restore_problems(manifest, params["database_info"], params)
    if found:
        raise problems.InputError(found)
    media = None
    if params["media"] and backup.MEDIA_MEMBER in manifest["members"]:
        media = archiving.media_folder(params["cluster_name"], params["media"])
    if not module.check_mode:
        archiving.load(database, name, manifest, folder)
        if media:
            backup_archive.unpack_folder(os.path.join(folder, backup.MEDIA_MEMBER), media)
    return {"changed": True, "manifest": manifest}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "database_info": {"type": "dict", "required": True},
            "version": {"type": "str", "required": True},
            "overwrite": {"type": "bool", "default": False},
            "connected": {"type": "bool", "default": False},
            **DATABASE_OPTIONS,
            **BACKUP_OPTIONS,
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**restore(module))
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(error.problems, module.params["cluster_name"], "Nothing was restored"),
            problems=[problem._asdict() for problem in error.problems],
        )
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
