# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_mount
short_description: Mount an NFS share, and prove that it can be written
version_added: 1.0.0
description:
  - Mounts a share, now and at every boot (one line of C(/etc/fstab); every other line stays as it is), and proves that this host can write,
    read and delete there.
  - Compares with what is mounted, not with what was configured. Where options changed, the share is unmounted and mounted again, since
    NFS cannot change most of them otherwise; containers that use it keep the former mount until M(waba.cluster.compose_project) replaces them.
  - Never waits for a server that is gone. A server that does not answer, an export that is missing, read-only, closed to this host or
    stale, is reported by name within O(timeout). A share that is refused is not left mounted.
  - Refuses to put a share over files, or over another share, since they would go out of sight.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - C(mount.nfs) (Debian package nfs-common)
options:
  path:
    description: The folder to mount the share on; made when missing.
    type: str
    required: true
  state:
    description:
      - V(mounted) is mounted now and at boot. V(unmounted) is not mounted now, and stays in C(/etc/fstab).
      - V(absent) is neither, and the folder goes, if it is empty. What the share holds always stays.
    type: str
    choices: [mounted, unmounted, absent]
    default: mounted
  server:
    description: The host that exports the share. Needed when O(state=mounted); else a share of another server stays as it is.
    type: str
  export:
    description: The folder that the server exports. Needed when O(state=mounted).
    type: str
  options:
    description: Mount options, as in nfs(5).
    type: list
    elements: str
    default: [nfsvers=4.1, hard, timeo=600, retrans=2, _netdev]
  owner:
    description: The user, by name or number, whom the share's own folder shall belong to. Left as it is when absent.
    type: str
  group:
    description: The group, by name or number, whom the share's own folder shall belong to. Left as it is when absent.
    type: str
  mode:
    description: The mode of the share's own folder, in octal, as in V("0770"). Left as it is when absent.
    type: str
  proof:
    description:
      - Leave a note on the share for each of these hosts, for M(waba.cluster.nfs_proof) on them to read and delete. Without it, this host
        alone proves itself.
    type: dict
    suboptions:
      host:
        description: This host's name among them.
        type: str
        required: true
      hosts:
        description: Every host that takes part.
        type: list
        elements: str
        required: true
  timeout:
    description: Seconds that each step may take, from the server's first answer to unmounting.
    type: int
    default: 20
seealso:
  - module: waba.cluster.nfs_proof
  - module: waba.cluster.nfs_exports
"""

EXAMPLES = r"""
- name: Keep media on a share
  waba.cluster.nfs_mount:
    path: /mnt/wamedia
    server: nfs1.example.com
    export: /srv/wamedia
    mode: "0770"

- name: Take it away again; the media stay on the server
  waba.cluster.nfs_mount:
    path: /mnt/wamedia
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host can mount NFS at all. While it cannot, nothing is done.
  returned: success
  type: bool
token:
  description: What was written into the notes of O(proof). Empty in check mode.
  returned: when O(state=mounted) and the host can mount NFS
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.nfs import mount as nfs_share
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import live_mount as nfs
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io.share import Share

OPTIONS = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["mounted", "unmounted", "absent"], "default": "mounted"},
    "server": {"type": "str"},
    "export": {"type": "str"},
    "options": {
        "type": "list",
        "elements": "str",
        "default": ["nfsvers=4.1", "hard", "timeo=600", "retrans=2", "_netdev"],
    },
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "proof": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
        },
    },
    "timeout": {"type": "int", "default": 20},
}


def main():
    isolate_environment()
    module = AnsibleModule(
        argument_spec=OPTIONS,
        required_if=[("state", "mounted", ("server", "export"))],
        supports_check_mode=True,
    )
    params = module.params
    mounted = params["state"] == "mounted"
    if mounted:
        wrong = nfs_share.input_problems(*(params[name] for name in ("server", "export", "path", "options", "mode")))
        if wrong:
            module.fail_json(
                msg=problems.message(wrong, params["path"], "Nothing was touched; settings to fix for the share")
            )
        if "soft" in params["options"]:
            module.warn(
                f"{params['path']} is mounted soft: a server that is slow to answer makes writes fail, and media is lost."
            )
        if not nfs.has_client():
            module.exit_json(changed=True, installed=False, diff={"before": "", "after": "an NFS client\n"})
    try:
        share = Share(params, module.check_mode)
        before, after = share.mounted() if mounted else share.unmounted()
    except HostError as error:
        module.fail_json(msg=str(error))
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(error.problems, params["path"], "Nothing was touched; settings to fix for the share")
        )
    result = {"token": share.token} if mounted else {}
    module.exit_json(changed=before != after, installed=True, diff={"before": before, "after": after}, **result)


if __name__ == "__main__":
    main()
