# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A share on this host: inspected, mounted, verified, or unmounted. A mount that is refused is undone."""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files, subprocess_timeout
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import mount as mount_plan
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import live_mount, share_notes
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.mount import Ownership, RequestedOwnership
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.io.live_host import connection_error
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError

CONNECT_TIMEOUT = 5  # seconds


class Share:
    """The share of one call of the module nfs_mount.

    Methods raise HostError, and problems.InputError if another file system uses the mount point. `mount` and `unmount` return
    the state before and after as text.
    """

    def __init__(self, module: AnsibleModule) -> None:
        self.params, self.check_mode, self.run_command = module.params, module.check_mode, module.run_command
        self.timeout = self.params["timeout"]
        self.text, self.fstab_mode = live_mount.read_fstab()
        mounts, written = live_mount.read_mounts(), [self.params["path"], *fstab.mount_points(self.text)]
        self.resolved = live_mount.resolve_all(written, mounts, self.timeout)
        # Without symbolic links, as in the kernel's table of mounts; systemd refuses a mount point with links.
        self.path = self.resolved[self.params["path"]]
        self.mounts = mounts.get(self.path, [])
        self.ownership: Ownership | None = None  # of the share's root folder, while it is mounted
        self.token = "" if self.check_mode else secrets.token_hex(8)

    def mount(self) -> tuple[str, str]:
        """Mount the share, now and at boot, and verify that this host can write to it."""
        params = self.params
        source = mount_plan.source(params["server"], params["export"])
        entry = fstab.Entry(source, self.path, "nfs", params["options"])
        plan = mount_plan.plan_mounted(entry, self.text, self.mounts, self.resolved)
        requested = live_mount.requested_ownership(params)
        self._require_server(entry)
        if not self.mounts and live_mount.has_content(self.path):
            raise HostError(
                f"{self.path} contains files, which {entry.source} would hide. "
                "Move them to the share, or set another nfs_mount_path."
            )
        if self.mounts:
            self.ownership = self._call(entry, live_mount.ownership, self.path)
        before = self._description(self.text, self.mounts)
        if self.check_mode:
            after_mounts = [fstab.Mount(entry.source, "nfs", entry.options)] if plan.mount else self.mounts
            if self.ownership:
                self.ownership = mount_plan.wanted_ownership(self.ownership, requested)
            return before, self._description(plan.text, after_mounts)
        self._apply(plan, entry, requested)
        return before, self._description(plan.text, live_mount.read_mounts().get(self.path, []))

    def unmount(self) -> tuple[str, str]:
        """Unmount the share and, for the state absent, remove it from fstab and remove its empty folder."""
        params, absent = self.params, self.params["state"] == "absent"
        source = params["server"] and params["export"] and mount_plan.source(params["server"], params["export"])
        plan = mount_plan.plan_unmounted(self.path, source or None, self.text, self.mounts, not absent, self.resolved)
        before = self._description(self.text, self.mounts)
        mounts = self.mounts[:-1] if plan.unmount else self.mounts
        if not self.check_mode:
            if plan.unmount:
                live_mount.unmount(self.run_command, self.path, self.timeout)
                mounts = live_mount.read_mounts().get(self.path, [])
            if plan.text != self.text:
                live_mount.write_fstab(self.run_command, plan.text, self.fstab_mode)
            if absent and not mounts and (plan.unmount or plan.text != self.text):
                files.remove_empty_folder(self.path)
        return before, self._description(plan.text, mounts)

    def collect_notes(self, host: str, tokens: dict[str, str]) -> dict[str, str]:
        """Read and delete the notes of other hosts; return {host: problem}."""
        try:
            return subprocess_timeout.call(share_notes.collect, self.path, host, tokens, timeout=self.timeout)
        except subprocess_timeout.TimedOut as error:
            raise HostError(f"The share on {self.path} of {host} hangs: {error}. Check its server.") from error
        except OSError as error:
            raise HostError(
                f"The share on {self.path} of {host} cannot be used: {live_mount.meaning(error)}."
            ) from error

    def _require_server(self, entry: fstab.Entry) -> None:
        server, port = self.params["server"], mount_plan.port(entry.options)
        error = connection_error(server, port, CONNECT_TIMEOUT)
        if error:
            raise HostError(
                f"The NFS server {server}, port {port}, of {entry.source} does not answer: {error}. "
                "Start it, open the port to this host, or fix nfs_mount_server."
            )

    def _apply(self, plan: mount_plan.Plan, entry: fstab.Entry, requested: RequestedOwnership) -> None:
        """Execute a plan. A share that cannot be used is unmounted again, and the previous one is mounted again."""
        if plan.unmount:
            live_mount.unmount(self.run_command, self.path, self.timeout)
        try:
            if plan.mount:
                live_mount.mount(self.run_command, entry, self.timeout)
            self._prepare(entry, requested)
        except HostError as error:
            outcome = self._undo(plan) if plan.mount else ""
            raise HostError(f"{error}{outcome}") from error
        if plan.text != self.text:
            live_mount.write_fstab(self.run_command, plan.text, self.fstab_mode)

    def _prepare(self, entry: fstab.Entry, requested: RequestedOwnership) -> None:
        """Set owner and mode of the share, and verify that this host can write to it."""
        current = self._call(entry, live_mount.ownership, self.path)
        self.ownership = mount_plan.wanted_ownership(current, requested)
        if self.ownership != current:
            self._call(entry, live_mount.set_ownership, self.path, *requested)
        # Several hosts may verify the share at the same time, so the name of this host must be its own.
        host = platform.node()
        notes = self.params["notes"] or {"host": host, "readers": [host]}
        self._call(entry, share_notes.write, self.path, notes["host"], notes["readers"], self.token)
        if not self.params["notes"]:
            problems = self._call(entry, share_notes.collect, self.path, host, {host: self.token})
            if problems:
                raise HostError(f"{entry.source} is mounted on {self.path}, but {problems[host]}")

    def _undo(self, plan: mount_plan.Plan) -> str:
        """Unmount the new share, and mount the previous one; return a sentence for the error message."""
        previous = fstab.entries_of(self.text, self.path, self.resolved)
        try:
            if self.path in live_mount.read_mounts():
                live_mount.unmount(self.run_command, self.path, self.timeout)
            if plan.unmount and previous:
                live_mount.mount(self.run_command, previous[0], self.timeout)
                return f" It is mounted as before ({','.join(previous[0].options)})."
            if not previous:
                files.remove_empty_folder(self.path)
        except HostError as error:
            return f" The previous state could not be restored: {error}"
        return " It is not left mounted."

    def _call(self, entry: fstab.Entry, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that accesses the share, and explain its errors."""
        try:
            return subprocess_timeout.call(function, *arguments, timeout=self.timeout)
        except subprocess_timeout.TimedOut as error:
            raise HostError(f"{entry.source}, mounted on {self.path}, hangs: {error}. Check its server.") from error
        except OSError as error:
            raise HostError(f"{entry.source} cannot be used on {self.path}: {live_mount.meaning(error)}.") from error

    def _description(self, text: str, mounts: list[fstab.Mount]) -> str:
        ownership = mount_plan.ownership_text(self.ownership) if self.ownership else None
        return mount_plan.description(text, self.path, mounts, ownership, self.resolved)


def converge_mounted(module: AnsibleModule) -> dict[str, Any]:
    """Mount and verify the share; return the module's result. Raises HostError, InputError."""
    params = module.params
    found = mount_plan.input_problems(*(params[name] for name in ("server", "export", "path", "options", "mode")))
    if found:
        raise InputError(found)
    if "soft" in params["options"]:
        module.warn(
            f"{params['path']} is mounted with the option soft: when the server is slow, writes fail and media are lost."
        )
    if not live_mount.has_client():
        return {"changed": True, "installed": False, "diff": {"before": "", "after": "an NFS client\n"}}
    share = Share(module)
    before, after = share.mount()
    return {
        "changed": before != after,
        "installed": True,
        "token": share.token,
        "diff": {"before": before, "after": after},
    }
