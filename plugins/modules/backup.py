# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Back a cluster's database up into one archive, and its media if asked to
version_added: 1.0.0
description:
  - Dumps the database in one transaction, by the server's own program, while the nodes go on working. Application settings, users and messages
    are in it.
  - Writes one tar file, readable by its owner only, with a manifest that names the time (by the database's clock), the versions and the checksum
    of each member.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.database
  - waba.cluster.backup
  - waba.cluster.attributes
requirements:
  - Docker SDK for Python (Debian package python3-docker), for the cluster's own database container
  - C(mariadb-dump) or C(mysqldump) (Debian package mariadb-client), for a server elsewhere
attributes:
  diff_mode:
    support: none
    details: What is in a backup is not shown.
  idempotent:
    support: none
    details: Every run makes a backup of the present moment.
options:
  path:
    description: The archive to write on this host. Its folder must exist.
    type: path
    required: true
seealso:
  - module: waba.cluster.restore
"""

EXAMPLES = r"""
- name: Back the database up
  waba.cluster.backup:
    path: /var/backups/waba.tar
    database: {name: waba, user: waba, password: "{{ waba_database_password }}"}
"""

RETURN = r"""
manifest:
  description: What the archive says of itself.
  returned: success, but for check mode
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
  returned: success, but for check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.argspec import VOLUME
from ansible_collections.waba.cluster.plugins.module_utils.compose.volumes import mount_source
from ansible_collections.waba.cluster.plugins.module_utils.database.backup import DATABASE_MEMBER, MEDIA_MEMBER
from ansible_collections.waba.cluster.plugins.module_utils.database.io import backup_archive
from ansible_collections.waba.cluster.plugins.module_utils.database.io.client import DATABASE_OPTIONS, DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment

VERSIONS = "SELECT DISTINCT version FROM node ORDER BY 1;"
REVISION = "SELECT version_num FROM alembic_version;"


def make(params):
    """Write the archive; return the module's result. Raises HostError."""
    with backup_archive.alone(params["path"], params["cluster_name"]):
        return made_alone(params)


def made_alone(params):
    database = DatabaseClient(params["cluster_name"], params["database"])
    name = params["database"]["name"]
    tables = [row[0] for row in database.rows("SHOW TABLES;", name)]
    if not tables:
        raise HostError(f"The database {name} is empty: there is nothing to back up. Nothing was written.")
    facts = {"tables": tables, "versions": [row[0] for row in database.rows(VERSIONS, name)]}
    # Before the dump begins: what is restored is never older than it says.
    facts["taken_at"], facts["server"] = database.rows(
        "SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %T'), VERSION();"
    )[0]
    facts["revision"] = "".join(row[0] for row in database.rows(REVISION, name))
    with files.scratch_folder(os.path.join(os.path.dirname(params["path"]), ".backup")) as folder:
        members = {DATABASE_MEMBER: os.path.join(folder, DATABASE_MEMBER)}
        database.dump(members[DATABASE_MEMBER])
        if params["media"]:
            kind, source = mount_source(params["cluster_name"], params["media"])
            place = source if kind == "bind" else containers.volume_folder(docker_engine.connect(), source)
            members[MEDIA_MEMBER] = os.path.join(folder, MEDIA_MEMBER)
            backup_archive.pack_folder(place, members[MEDIA_MEMBER])
        manifest = backup_archive.write(params["path"], params["cluster_name"], facts, members)
    return {"changed": True, "manifest": manifest, "sha256": backup_archive.checksum(params["path"])}


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "cluster_name": {"type": "str", "default": "waba"},
            "database": DATABASE_OPTIONS,
            "media": VOLUME,
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(**make(module.params))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
