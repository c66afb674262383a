# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folder that a host exports to the hosts of a cluster: compared with the live exports, and converged."""

from __future__ import annotations

import glob
import ipaddress
import os
import socket
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files, subprocess_timeout
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import exports
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import live_mount
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.mount import ownership_text, wanted_ownership
from ansible_collections.waba.cluster.plugins.module_utils._internal.paths import normalized
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError

ETAB = "/var/lib/nfs/etab"
EXPORTS = ("/etc/exports", "/etc/exports.d/*.exports")  # the files that exportfs reads
HEADER = "Managed by Ansible, waba.cluster; changes by hand are overwritten"
FILE_MODE = 0o644
TIMEOUT = 30  # seconds for one call of exportfs


def addresses(clients: Iterable[str]) -> list[str]:
    """Return the addresses and networks of clients. Raises HostError for a name that cannot be resolved."""
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
                    f"nfs_server_clients contains {client}, which this host cannot resolve: {error.strerror}"
                ) from error
            found.extend(sorted({str(address[4][0]).partition("%")[0] for address in resolved}))
    return list(dict.fromkeys(found))


def other_exports(own: str) -> dict[str, str]:
    """Return {file: text} of the exports files except our own. Raises HostError."""
    names = {os.path.realpath(name) for pattern in EXPORTS for name in glob.glob(pattern)} - {os.path.realpath(own)}
    found = {name: files.read(name) for name in names}
    return {name: file[0] for name, file in found.items() if file}


def exportfs(module: AnsibleModule, *arguments: str) -> None:
    """Run exportfs. Raises HostError."""
    status, output = subprocess_timeout.run(module.run_command, ["exportfs", *arguments], TIMEOUT)
    if status != 0:
        raise HostError(f"exportfs {' '.join(arguments)} failed: {output}")


def export_name(client: str, path: str) -> str:
    """Return an export as exportfs names it: client:/folder, with an IPv6 address in brackets."""
    return f"{in_url(client)}:{path}"


def ensure_folder(path: str, module: AnsibleModule) -> tuple[str, str]:
    """Create the folder with its owner and mode; return (before, after) as text of a diff. Raises HostError."""
    if os.path.lexists(path) and not os.path.isdir(path):
        raise HostError(f"{path} exists, but is not a folder. Move it away, or set another nfs_server_export.")
    current = live_mount.ownership(path) if os.path.isdir(path) else None
    default = (os.geteuid(), os.getegid(), files.FOLDER_MODE)
    wanted = wanted_ownership(current or default, live_mount.requested_ownership(module.params))
    if current != wanted and not module.check_mode:
        try:
            os.makedirs(path, exist_ok=True)
            live_mount.set_ownership(path, *wanted)
        except OSError as error:
            raise HostError(f"Cannot create {path}, or set its owner and mode: {error.strerror}.") from error
    before, after = (f"{path} {ownership_text(folder)}\n" if folder else "" for folder in (current, wanted))
    return before, after


def ensure_exports(path: str, module: AnsibleModule) -> dict[str, Any]:
    """Converge the exports of the folder; return the module's result. Raises HostError."""
    params, options = module.params, module.params["options"]
    clients = addresses(params["clients"]) if params["state"] == "present" else []
    text = exports.render(path, clients, options, HEADER) if clients else None
    etab, file = files.read(ETAB), files.read(params["file"])
    current = exports.current_exports(etab[0], path) if etab else {}
    missing, obsolete = exports.plan(clients, options, current)
    file_is_correct = file == (text, FILE_MODE, os.geteuid()) if text else file is None
    # The file comes last: if the run is interrupted, the next run still finds a difference.
    if not module.check_mode:
        for client in missing:
            # -i: ignore the options in the exports files, which are the old ones.
            exportfs(module, "-i", "-o", ",".join(options), export_name(client, path))
        for client in obsolete:
            exportfs(module, "-u", export_name(client, path))
        if not file_is_correct and text:
            os.makedirs(os.path.dirname(params["file"]), exist_ok=True)
            files.write(params["file"], text, FILE_MODE)
        elif not file_is_correct:
            files.remove(params["file"])
    before = exports.description(path, current, lambda client: current[client]) + (file[0] if file else "")
    after = exports.description(path, clients, lambda client: options if client in missing else current[client])
    return {
        "changed": bool(missing or obsolete or not file_is_correct),
        "clients": clients,
        "diff": {"before": before, "after": after + (text or "")},
    }


def converge(module: AnsibleModule) -> dict[str, Any]:
    """Converge the folder and its exports; return the module's result. Raises HostError, InputError."""
    params = module.params
    path, present = normalized(params["path"]), params["state"] == "present"
    found = exports.input_problems(*(params[name] for name in ("path", "clients", "options", "mode")))
    if not found:
        found += exports.exported_elsewhere(path, other_exports(params["file"]))
        found += exports.link_problems(path, os.path.realpath(path)) if present else []
    if found:
        raise InputError(found)
    if present and not live_mount.has_server():
        return {"changed": True, "installed": False, "diff": {"before": "", "after": "an NFS server\n"}}
    folder_before, folder_after = ensure_folder(path, module) if present else ("", "")
    result = ensure_exports(path, module)
    diff = {"before": folder_before + result["diff"]["before"], "after": folder_after + result["diff"]["after"]}
    return {
        **result,
        "changed": folder_before != folder_after or result["changed"],
        "installed": live_mount.has_server(),
        "diff": diff,
    }
