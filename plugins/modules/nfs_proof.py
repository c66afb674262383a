# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_proof
short_description: Prove that what other hosts wrote on a share can be read and deleted here
version_added: 1.0.0
description:
  - Reads and deletes the notes that M(waba.cluster.nfs_mount) on other hosts left for this one. Run it on every host, after that module
    ran on all of them; nothing is left on the share then.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
attributes:
  check_mode:
    details: Does nothing in check mode, where there are no notes.
options:
  path:
    description: The folder on which the share is mounted.
    type: str
    required: true
  host:
    description: This host's name.
    type: str
    required: true
  tokens:
    description: What each host wrote into its notes, by the host's name.
    type: dict
    required: true
  timeout:
    description: Seconds that it may take.
    type: int
    default: 20
seealso:
  - module: waba.cluster.nfs_mount
"""

EXAMPLES = r"""
- name: Prove that this host reads and deletes what the others wrote
  waba.cluster.nfs_proof:
    path: /mnt/wamedia
    host: "{{ inventory_hostname }}"
    tokens: {node1: 0a1b2c3d, node2: 4e5f6a7b}
"""

RETURN = r"""
writers:
  description: The hosts whose notes were read and deleted.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import live_mount as nfs
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import proof as share_proof


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "tokens": {"type": "dict", "required": True, "no_log": False},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    path, host, tokens, timeout = (module.params[name] for name in ("path", "host", "tokens", "timeout"))
    if module.check_mode:
        module.exit_json(changed=False, writers=[])
    try:
        wrong = bounded.call(share_proof.collect, path, host, tokens, timeout=timeout)
    except HostError as error:
        module.fail_json(msg=f"The share on {path} of {host} hangs: {error}")
    except OSError as error:
        module.fail_json(msg=f"The share on {path} of {host} cannot be used: {nfs.meaning(error)}")
    if wrong:
        lines = [f"  {writer}: {fault}" for writer, fault in sorted(wrong.items())]
        module.fail_json(msg="\n".join([f"{path} of {host} is not the share of the other hosts:", *lines]), wrong=wrong)
    module.exit_json(changed=False, writers=sorted(tokens))


if __name__ == "__main__":
    main()
