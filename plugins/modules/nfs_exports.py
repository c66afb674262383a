# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_exports
short_description: Export a folder by NFS to some hosts, and to no others
version_added: 1.0.0
description:
  - Keeps one file of its own in C(/etc/exports.d), and the server's running table, in line with what is asked. Exports of other folders are never
    touched.
  - Compares with what the server exports now, so a run that was cut short is completed by the next.
    An option that is taken out goes out of force.
  - Refuses a folder that another exports file exports, since what one file allows the other would take away.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes
requirements:
  - C(exportfs) (Debian package nfs-kernel-server)
options:
  path:
    description: The folder to export; made when missing.
    type: str
    required: true
  state:
    description: Exported to O(clients) alone, or to nobody. The folder always stays.
    type: str
    choices: [present, absent]
    default: present
  clients:
    description:
      - Who may mount it, as names or addresses of hosts, or networks as in V(10.0.0.0/24).
      - A name is turned into its addresses here, since the server compares addresses.
    type: list
    elements: str
    default: []
  owner:
    description: The user, by name or number, whom the folder shall belong to. Left as it is when absent.
    type: str
  group:
    description: The group, by name or number, whom the folder shall belong to. Left as it is when absent.
    type: str
  mode:
    description: The mode of the folder, in octal, as in V("0770"). Left as it is when absent.
    type: str
  options:
    description: Options of the export, as in exports(5).
    type: list
    elements: str
    default: [rw, sync, no_subtree_check, no_root_squash]
  file:
    description: The file to keep it in.
    type: path
    default: /etc/exports.d/waba.exports
seealso:
  - module: waba.cluster.nfs_mount
"""

EXAMPLES = r"""
- name: Let two hosts use the share
  waba.cluster.nfs_exports:
    path: /srv/wamedia
    mode: "0770"
    clients: [10.0.0.11, node2.example.com]
"""

RETURN = r"""
installed:
  description: Whether the host can export by NFS at all. While it cannot, nothing is done.
  returned: success
  type: bool
clients:
  description: The addresses and networks that the folder is exported to.
  returned: when the host can export by NFS
  type: list
  elements: str
  sample: [10.0.0.11, 10.0.0.12]
"""

import glob
import ipaddress
import os
import socket

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils import problems
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded
from ansible_collections.waba.cluster.plugins.module_utils.io.environment import isolate_environment
from ansible_collections.waba.cluster.plugins.module_utils.nfs import exports
from ansible_collections.waba.cluster.plugins.module_utils.nfs import mount as nfs_share
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import live_mount as nfs
from ansible_collections.waba.cluster.plugins.module_utils.paths import cleaned

OPTIONS = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "clients": {"type": "list", "elements": "str", "default": []},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "options": {"type": "list", "elements": "str", "default": ["rw", "sync", "no_subtree_check", "no_root_squash"]},
    "file": {"type": "path", "default": "/etc/exports.d/waba.exports"},
}
ETAB = "/var/lib/nfs/etab"
EXPORTS = ("/etc/exports", "/etc/exports.d/*.exports")  # what exportfs reads
HEADER = "Managed by Ansible, waba.cluster; changes by hand are overwritten"
FILE_MODE = 0o644
TIMEOUT = 30  # seconds for one exportfs


def addresses(clients):
    """Return the addresses and networks (list of str) of clients. Raises HostError for a name that nobody knows."""
    found = []
    for client in clients:
        try:
            found.append(
                str(ipaddress.ip_network(client, strict=False)) if "/" in client else str(ipaddress.ip_address(client))
            )
        except ValueError:
            try:
                resolved = socket.getaddrinfo(client, None, type=socket.SOCK_STREAM)
            except OSError as error:
                raise HostError(
                    f"nfs_server_clients names {client}, which this host cannot resolve: {error.strerror}"
                ) from error
            found.extend(sorted({address[4][0].partition("%")[0] for address in resolved}))
    return list(dict.fromkeys(found))


def others(own):
    """Return {name: text} of the exports files but for our own. Raises HostError."""
    names = {os.path.realpath(name) for pattern in EXPORTS for name in glob.glob(pattern)} - {os.path.realpath(own)}
    found = {name: files.read(name) for name in names}
    return {name: file[0] for name, file in found.items() if file}


def exportfs(*arguments):
    status, said = bounded.run(["exportfs", *arguments], TIMEOUT)
    if status != 0:
        raise HostError(f"exportfs {' '.join(arguments)} failed: {said}")


def at(client, path):
    """Return how exportfs calls a folder that is exported to a client."""
    return f"[{client}]:{path}" if ":" in client else f"{client}:{path}"


def ensure_folder(path, params, check_mode):
    """Have the folder, with its owner and mode; return (before, after) as lines of a diff. Raises HostError."""
    if os.path.lexists(path) and not os.path.isdir(path):
        raise HostError(f"{path} is there, but it is no folder. Move it away, or set another nfs_server_export.")
    wanted = nfs.wanted_folder(params)
    found = nfs.folder_of(path) if os.path.isdir(path) else None
    to_be = nfs_share.folder_to_be(found or (os.geteuid(), os.getegid(), files.FOLDER_MODE), wanted)
    if found != to_be and not check_mode:
        try:
            os.makedirs(path, exist_ok=True)
            nfs.give(path, *to_be)
        except OSError as error:
            raise HostError(f"{path} cannot be made ready to export: {error.strerror}.") from error
    before, after = (f"{path} {nfs_share.folder_described(folder)}\n" if folder else "" for folder in (found, to_be))
    return before, after


def ensure_exports(path, params, check_mode):
    """Bring exports in line; return the module's result. Raises HostError."""
    options = params["options"]
    clients = addresses(params["clients"]) if params["state"] == "present" else []
    text = exports.render(path, clients, options, HEADER) if clients else None
    etab, file = files.read(ETAB), files.read(params["file"])
    found = exports.exported(etab[0], path) if etab else {}
    late, gone = exports.plan(clients, options, found)
    stays = file == (text, FILE_MODE, os.geteuid()) if text else file is None
    # The file comes last: while it differs, the next run looks again.
    if not check_mode:
        for client in late:
            # -i: else those that the file has, the former ones, would hold too.
            exportfs("-i", "-o", ",".join(options), at(client, path))
        for client in gone:
            exportfs("-u", at(client, path))
        if not stays and text:
            os.makedirs(os.path.dirname(params["file"]), exist_ok=True)
            files.write(params["file"], text, FILE_MODE)
        elif not stays:
            files.remove(params["file"])
    before = exports.described(path, found, found.get) + (file[0] if file else "")
    after = exports.described(path, clients, lambda client: options if client in late else found[client]) + (text or "")
    return {"changed": bool(late or gone or not stays), "clients": clients, "diff": {"before": before, "after": after}}


def ensure(params, check_mode):
    """Have the folder and its exports; return the module's result. Raises HostError, and InputError for a folder that is not ours alone."""
    path = cleaned(params["path"])
    wrong = exports.exported_elsewhere(path, others(params["file"]))
    if wrong:
        raise problems.InputError(wrong)
    present = params["state"] == "present"
    had, has = ensure_folder(path, params, check_mode) if present else ("", "")
    result = ensure_exports(path, params, check_mode)
    diff = {"before": had + result["diff"]["before"], "after": has + result["diff"]["after"]}
    return {**result, "changed": had != has or result["changed"], "installed": nfs.has_server(), "diff": diff}


def main():
    isolate_environment()
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    try:
        wrong = exports.input_problems(*(params[name] for name in ("path", "clients", "options", "mode")))
        if wrong:
            raise problems.InputError(wrong)
        if params["state"] == "present" and not nfs.has_server():
            module.exit_json(changed=True, installed=False, diff={"before": "", "after": "an NFS server\n"})
        result = ensure(params, module.check_mode)
    except problems.InputError as error:
        module.fail_json(
            msg=problems.message(error.problems, params["path"], "Nothing was touched; settings to fix for the export")
        )
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
