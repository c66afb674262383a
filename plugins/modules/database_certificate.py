# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: database_certificate
short_description: Bring a replaced certificate of the database into use
version_added: 1.0.0
description:
  - Copies certificate and key into the running database container, and lets the server read them again, without a restart. Open connections stay.
  - The next start of the container reads the same files. Run it on the host of the container.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
options:
  cluster_name:
    description: Name of the cluster.
    type: str
    default: waba
  certificate:
    description: PEM file of this host with the certificate and its chain.
    type: path
    required: true
  key:
    description: PEM file of this host with the key.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Bring the new certificate into use
  waba.cluster.database_certificate:
    certificate: /etc/ssl/db.pem
    key: /etc/ssl/db.key
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import RootClient
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

# The copies that the entry point of the images makes for the server's user.
COPIES = {"certificate": "/run/mysqld/server-cert.pem", "key": "/run/mysqld/server-key.pem"}
# The content comes from standard input, and the copy is complete once it has its name. $0: the path.
WRITE = 'umask 077 && cat >"$0.new" && chown mysql:mysql "$0.new" && mv "$0.new" "$0"'
# MySQL 9 refuses to reload a certificate that its own ssl_ca does not verify, although its start only warns. Clients verify the certificate.
UNVERIFIED = "Invalid certificates"


def reload(root: RootClient) -> None:
    """Let the server read certificate and key again. Raises HostError, after which the server presents the former certificate."""
    ((version,),) = root.rows("SELECT VERSION();")
    if "MariaDB" in version:
        root.rows("FLUSH SSL;")
        return
    try:
        root.rows("ALTER INSTANCE RELOAD TLS;")
    except HostError as error:
        if UNVERIFIED not in str(error):
            raise
        root.rows("ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR;")


def converge(module: AnsibleModule, root: RootClient) -> bool:
    """Bring the files into use; return whether they differ from the copies of the container. Raises HostError."""
    wanted = {}
    for option in COPIES:
        found = files.read(module.params[option])
        if found is None:
            raise HostError(f"{module.params[option]} does not exist.")
        wanted[option] = found[0]
    present = {option: root.run_in_container(["cat", path])[1] for option, path in COPIES.items()}
    changed = present != wanted
    if module.check_mode:
        return changed
    if changed:
        for option, path in COPIES.items():
            status, _output, errors = root.run_in_container(["/bin/sh", "-c", WRITE, path], wanted[option])
            if status != 0:
                raise HostError(f"{path} in the container cannot be written: {errors.strip()[-300:]}")
    # Also after a run that was killed between the copy and this.
    reload(root)
    return changed


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "certificate": {"type": "path", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},  # the path of the key, not the key
        },
        supports_check_mode=True,
    )
    try:
        changed = converge(module, RootClient(module.run_command, module.params["cluster_name"]))
    except HostError as error:
        module.fail_json(msg=f"The certificate of the database was not brought into use: {error}")
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
