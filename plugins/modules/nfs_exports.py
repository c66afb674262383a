# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_exports
short_description: Export a folder by NFS to some hosts, and to no others
version_added: 1.0.0
description:
  - Manages one file in C(/etc/exports.d), and the running server's table of exports. Exports of other folders are not changed.
  - Compares with what the server exports now, so that a run completes what an interrupted run began. An option that was removed from O(options)
    is no longer in effect.
  - Refuses a folder that another exports file exports, because the two files would contradict each other, and a folder that is a symbolic link,
    because clients cannot mount it under that name.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - C(exportfs) (Debian package nfs-kernel-server)
options:
  path:
    description: The folder to export. It is created if it does not exist.
    type: str
    required: true
  state:
    description: With V(present), the folder is exported to O(clients) only; with V(absent), it is not exported. The folder is never removed.
    type: str
    choices: [present, absent]
    default: present
  clients:
    description:
      - Names or addresses of hosts, or networks such as V(10.0.0.0/24), that may mount the folder.
      - Names are resolved on this host, because the server compares addresses.
    type: list
    elements: str
    default: []
  owner:
    description: Owner of the folder, by name or number. Not changed when absent.
    type: str
  group:
    description: Group of the folder, by name or number. Not changed when absent.
    type: str
  mode:
    description: Mode of the folder, in octal, for example V("0770"). Not changed when absent.
    type: str
  options:
    description: Options of the export, see exports(5).
    type: list
    elements: str
    default: [rw, sync, no_subtree_check, no_root_squash]
  file:
    description: The exports file to write.
    type: path
    default: /etc/exports.d/waba.exports
seealso:
  - module: waba.cluster.nfs_mount
"""

EXAMPLES = r"""
- name: Let two hosts mount the share
  waba.cluster.nfs_exports:
    path: /srv/wamedia
    mode: "0770"
    clients: [10.0.0.11, node2.example.com]
"""

RETURN = r"""
installed:
  description: Whether the host can export folders by NFS. If not, O(state=present) changes nothing.
  returned: success
  type: bool
clients:
  description: The addresses and networks to which the folder is exported.
  returned: when the host can export by NFS
  type: list
  elements: str
  sample: [10.0.0.11, 10.0.0.12]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import EXPORT_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io.live_exports import converge


def main() -> None:
    isolate_environment()
    module = AnsibleModule(argument_spec=EXPORT_OPTIONS, supports_check_mode=True)
    try:
        result = converge(module)
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(
                error.problems, module.params["path"], "Nothing was changed. Fix the settings of the export"
            )
        )
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
