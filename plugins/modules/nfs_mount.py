# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_mount
short_description: Mount an NFS share, and verify that hosts can write to it
version_added: 1.0.0
description:
  - Mounts a share, now and at boot, and verifies that this host can write, read and delete files there. The entry is one line of C(/etc/fstab);
    all other lines remain unchanged.
  - Compares with what is mounted, not with what was configured. If options changed, the share is unmounted and mounted again, because NFS cannot
    change most of them otherwise. Containers keep the previous mount until M(waba.cluster.compose_project) replaces them.
  - Never waits for a server that is gone. A server that does not answer, and an export that is missing, read-only, stale or closed to this host,
    is reported within O(timeout). A share that is refused is not left mounted.
  - Refuses to mount a share over files or over another share, because that would hide files.
  - Resolves symbolic links in O(path) and in C(/etc/fstab) before it compares paths.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - C(mount.nfs) (Debian package nfs-common)
options:
  path:
    description: The folder to mount the share on. It is created if it does not exist.
    type: str
    required: true
  state:
    description:
      - With V(mounted), the share is mounted now and at boot. With V(unmounted), it is not mounted now, and its entry remains in C(/etc/fstab).
      - With V(absent), it is neither mounted nor in C(/etc/fstab), and its folder is removed if it is empty. The content of the share is never
        deleted.
      - V(verified) reads and deletes the notes that other hosts wrote to the share for this host. Run it on every host, after V(mounted) with
        O(notes) ran on all of them. It never returns a change, and does nothing in check mode.
    type: str
    choices: [mounted, unmounted, absent, verified]
    default: mounted
  server:
    description: The host that exports the share. Required when O(state=mounted). With V(unmounted) and V(absent), only its share is unmounted.
    type: str
  export:
    description: The folder that the server exports. Required when O(state=mounted).
    type: str
  options:
    description: Mount options, see nfs(5).
    type: list
    elements: str
    default: [nfsvers=4.1, hard, timeo=600, retrans=2, _netdev]
  owner:
    description: Owner of the share's root folder, by name or number. Not changed when absent.
    type: str
  group:
    description: Group of the share's root folder, by name or number. Not changed when absent.
    type: str
  mode:
    description: Mode of the share's root folder, in octal, for example V("0770"). Not changed when absent.
    type: str
  notes:
    description:
      - How hosts verify that they have mounted the same share. With O(state=mounted), this host writes a note to the share for each of
        O(notes.readers). With O(state=verified), it reads the notes of the hosts in O(notes.tokens).
      - When absent, O(state=mounted) only verifies that this host reads what it wrote.
    type: dict
    suboptions:
      host:
        description: Name of this host.
        type: str
        required: true
      readers:
        description: Every host that takes part, this one included. Required when O(state=mounted).
        type: list
        elements: str
      tokens:
        description: RV(token) of each host that takes part, by the host's name. Required when O(state=verified).
        type: dict
  timeout:
    description: Seconds that each step may take.
    type: int
    default: 20
seealso:
  - module: waba.cluster.nfs_exports
"""

EXAMPLES = r"""
- name: Store media on a share
  waba.cluster.nfs_mount:
    path: /mnt/wamedia
    server: nfs1.example.com
    export: /srv/wamedia
    mode: "0770"
    notes:
      host: "{{ inventory_hostname }}"
      readers: "{{ ansible_play_hosts }}"
  register: share

- name: Verify that this host reads and deletes what the other hosts wrote
  waba.cluster.nfs_mount:
    path: /mnt/wamedia
    state: verified
    notes:
      host: "{{ inventory_hostname }}"
      tokens: {node1: 0a1b2c3d, node2: 4e5f6a7b}

- name: Unmount the share; the media remain on the server
  waba.cluster.nfs_mount:
    path: /mnt/wamedia
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host can mount NFS shares. If not, O(state=mounted) changes nothing.
  returned: success
  type: bool
token:
  description: The content of the notes that this host wrote. Empty in check mode.
  returned: when O(state=mounted) and the host can mount NFS shares
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import MOUNT_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io.share import Share, converge_mounted


def unmount(module: AnsibleModule) -> dict[str, Any]:
    """Unmount the share; return the module's result. Raises HostError."""
    before, after = Share(module).unmount()
    return {"changed": before != after, "installed": True, "diff": {"before": before, "after": after}}


def verify(module: AnsibleModule) -> dict[str, Any]:
    """Read the notes of other hosts; return the module's result. Raises HostError."""
    path, notes = module.params["path"], module.params["notes"]
    found = {} if module.check_mode else Share(module).collect_notes(notes["host"], notes["tokens"])
    if found:
        lines = [f"  {host}: {problem}" for host, problem in sorted(found.items())]
        raise HostError("\n".join([f"{path} of {notes['host']} is not the share of the other hosts:", *lines]))
    return {"changed": False, "installed": True}


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec=MOUNT_OPTIONS,
        required_if=[("state", "mounted", ("server", "export")), ("state", "verified", ("notes",))],
        supports_check_mode=True,
    )
    state, notes = module.params["state"], module.params["notes"]
    needed = {"mounted": "readers", "verified": "tokens"}.get(state)
    if notes and needed and notes[needed] is None:
        module.fail_json(msg=f"notes.{needed} is required when state is {state}.")
    try:
        result = {"mounted": converge_mounted, "verified": verify}.get(state, unmount)(module)
    except HostError as error:
        module.fail_json(msg=str(error))
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(
                error.problems, module.params["path"], "Nothing was changed. Fix the settings of the share"
            )
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
