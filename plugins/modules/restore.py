# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore what waba.cluster.backup wrote
version_added: 1.0.0
description:
  - Checks the archive, then the database; tells everything that speaks against the restore at once, and touches nothing then.
  - Loads the database and makes the state safe to start from. No node is registered, nobody owns a shard, and epochs continue after any that was given
    out since the backup.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.database
  - waba.cluster.backup
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the cluster's own database container
  - C(mariadb) or C(mysql) (Debian package mariadb-client), for a server elsewhere
attributes:
  check_mode:
    details: Checks all that would be checked.
  diff_mode:
    support: none
    details: What is in a backup is not shown.
  idempotent:
    support: none
    details: Restoring twice is restoring twice; the second time the database is not empty, and that is refused.
options:
  path:
    description: The archive on this host.
    type: path
    required: true
  version:
    description: The version of the nodes that will work with it. A backup of a newer one is refused.
    type: str
    required: true
  overwrite:
    description: Drop what is in the database. It is lost.
    type: bool
    default: false
  connected:
    description: Restore although nodes are connected to the database.
    type: bool
    default: false
seealso:
  - module: waba.cluster.backup
"""

EXAMPLES = r"""
- name: Restore the database
  waba.cluster.restore:
    path: /var/backups/waba.tar
    version: 1.0.0
    database: {name: waba, user: waba, password: "{{ waba_database_password }}"}
"""

RETURN = r"""
manifest:
  description: What the archive says of itself.
  returned: success
  type: dict
problems:
  description: What speaks against it.
  returned: failure
  type: list
  elements: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.argspec import VOLUME
from ansible_collections.waba.cluster.plugins.module_utils.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils.database import backup
from ansible_collections.waba.cluster.plugins.module_utils.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils.database.io.client import DATABASE_OPTIONS, DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = '{name}';"
# An account sees its own connections without any further right, and the nodes have the same account.
CLIENTS = (
    "SELECT SUBSTRING_INDEX(host, ':', 1), COUNT(*) FROM information_schema.processlist "
    "WHERE db = '{name}' AND id <> CONNECTION_ID() GROUP BY 1;"
)


def look(database, name):
    """Return the database's state as `database.backup.restore_problems` takes it. Raises HostError."""
    return {
        "tables": [row[0] for row in database.rows(TABLES.format(name=name))],
        "clients": dict(database.rows(CLIENTS.format(name=name))),
    }


# An owner that has not released its shard may stay connected for the takeover delay, whatever happens to the database.
OWNERSHIP = "SELECT MAX(epoch), MAX(IF(released_epoch = epoch, 0, takeover_delay)) FROM shard_map;"


def load(database, name, manifest, tables, folder):
    """Replace what is in the database (tables: their names) by what is in the folder. Raises HostError."""
    epoch, delay = database.rows(OWNERSHIP, name)[0] if "shard_map" in tables else (0, None)
    database.rows(f"DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4;")
    database.load(os.path.join(folder, backup.DATABASE_MEMBER))
    missing = set(manifest["tables"]) - {row[0] for row in database.rows("SHOW TABLES;", name)}
    if missing:
        raise HostError(f"After the restore these tables are not there: {', '.join(sorted(missing))}. Restore again.")
    database.rows(backup.after_restore(epoch, delay), name)


def restore(module):
    """Check and restore; return the module's result. Raises HostError, InputError."""
    with backup_archive.alone(module.params["path"], module.params["cluster_name"]):
        return restored_alone(module)


def restored_alone(module):
    params, name = module.params, module.params["database"]["name"]
    with files.scratch_folder(os.path.join(os.path.dirname(params["path"]), ".restore")) as folder:
        manifest = backup_archive.unpack(params["path"], folder)
        database = DatabaseClient(params["cluster_name"], params["database"])
        state = look(database, name)
        wrong = backup.restore_problems(manifest, state, params)
        if wrong:
            raise problems.InputError(wrong)
        place = None
        if params["media"] and backup.MEDIA_MEMBER in manifest["members"]:
            kind, source = mount_source(params["cluster_name"], params["media"])
            place = source if kind == "bind" else containers.volume_folder(docker_engine.connect(), source)
        if not module.check_mode:
            load(database, name, manifest, state["tables"], folder)
            if place:
                backup_archive.unpack_folder(os.path.join(folder, backup.MEDIA_MEMBER), place)
    return {"changed": True, "manifest": manifest}


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "cluster_name": {"type": "str", "default": "waba"},
            "database": DATABASE_OPTIONS,
            "version": {"type": "str", "required": True},
            "overwrite": {"type": "bool", "default": False},
            "connected": {"type": "bool", "default": False},
            "media": VOLUME,
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
