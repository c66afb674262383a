# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: restored_database
short_description: Make a restored database safe to start nodes on
version_added: 1.0.0
description:
  - Run it after M(waba.cluster.restore), before any node starts. Afterwards no node is registered and no shard has an owner, and epochs continue
    after every epoch that was issued since the backup. A shard gets a new owner only after its takeover delay, in which an owner of the replaced
    database disconnects.
  - Runs a command of the node in a container beside a master of this host, which need not run.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.node_command
  - waba.cluster.attributes
attributes:
  idempotent:
    support: none
    details: Epochs jump with each run.
options:
  epoch:
    description: The highest epoch of the replaced database, by M(waba.cluster.node_database_info).
    type: int
    required: true
  takeover_delay:
    description:
      - Seconds for which an owner of the replaced database may still be connected, by M(waba.cluster.node_database_info). The delays of the backup
        apply when absent.
    type: float
  database_host:
    description: Address of the database server. By default, the one that the master uses.
    type: str
seealso:
  - module: waba.cluster.restore
"""

EXAMPLES = r"""
- name: Make the restored database safe to start nodes on
  waba.cluster.restored_database:
    epoch: "{{ before.database.epoch }}"
    takeover_delay: "{{ before.database.takeover_delay | default(omit, true) }}"
"""

RETURN = r"""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import node_command
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "cluster_name": {"type": "str", "default": "waba"},
            "epoch": {"type": "int", "required": True},
            "takeover_delay": {"type": "float"},
            "database_host": {"type": "str"},
        },
        supports_check_mode=True,
    )
    delay = module.params["takeover_delay"]
    options = [] if delay is None else ["--takeover-delay", str(delay)]
    try:
        if not module.check_mode:
            epoch = str(module.params["epoch"])
            cluster, host = module.params["cluster_name"], module.params["database_host"]
            node_command.run(cluster, "secure-restored", "--epoch", epoch, *options, database_host=host)
        module.exit_json(changed=True)
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
