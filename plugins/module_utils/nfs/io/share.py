# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A share on this host: seen, planned, mounted or taken away, and proven. What was refused is undone."""

from __future__ import annotations

import secrets

from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.io import subprocess_timeout as bounded
from ansible_collections.waba.cluster.plugins.module_utils.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils.nfs import mount as nfs_share
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import live_mount as nfs
from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import proof as share_proof
from ansible_collections.waba.cluster.plugins.module_utils.paths import cleaned
from ansible_collections.waba.cluster.plugins.module_utils.preflight.io import live_host as host

CONNECT_TIMEOUT = 5  # seconds


class Share:
    """params: the options of the module nfs_mount. Raises HostError, and problems.InputError for what must not be touched."""

    def __init__(self, params, check_mode):
        self.params, self.check_mode = params, check_mode
        self.path, self.timeout = cleaned(params["path"]), params["timeout"]
        self.text, self.fstab_mode = nfs.read_fstab()
        self.mounts = nfs.mounts_at(self.path)
        self.folder = None  # (user id, group id, mode) of the share's own folder, where it can be seen
        self.token = "" if check_mode else secrets.token_hex(8)
        self.wanted_folder = None

    def mounted(self):
        """Get it mounted; return (before, after) as text."""
        params = self.params
        entry = fstab.Entry(nfs_share.source(params["server"], params["export"]), self.path, "nfs", params["options"])
        plan = nfs_share.plan_mounted(entry, self.text, self.mounts)
        self.wanted_folder = nfs.wanted_folder(params)
        port = nfs_share.port(entry.options)
        error = host.connection_error(params["server"], port, CONNECT_TIMEOUT)
        if error:
            raise HostError(
                f"Nothing answers at {params['server']}, port {port}, for {entry.source}: {error}. "
                "Start the NFS server, open the port to this host, or fix nfs_mount_server."
            )
        if not self.mounts and nfs.in_use(self.path):
            raise HostError(
                f"{self.path} holds files, which {entry.source} would hide. Move them onto the share, or set another nfs_mount_path."
            )
        self.look(entry)
        before = self.described(self.text, self.mounts)
        if self.check_mode:
            after_mounts = [fstab.Mount(entry.source, "nfs", entry.options)] if plan.mount else self.mounts
            self.folder = self.folder and nfs_share.folder_to_be(self.folder, self.wanted_folder)
            return before, self.described(plan.text, after_mounts)
        self.apply(plan)
        return before, self.described(plan.text, nfs.mounts_at(self.path))

    def look(self, entry):
        """See whose the share's own folder is, where the share is mounted."""
        if self.mounts:
            self.folder = self.aside(entry, nfs.folder_of, self.path)

    def apply(self, plan):
        """Carry a plan out. A share that was refused is taken away again, and the former one comes back."""
        if plan.unmount:
            nfs.unmount(self.path, self.timeout)
        try:
            if plan.mount:
                nfs.mount(plan.entry, self.timeout)
            self.settle(plan.entry)
        except HostError as error:
            kept = self.undo(plan) if plan.mount else ""
            raise HostError(f"{error}{kept}") from error
        if plan.text != self.text:
            nfs.write_fstab(plan.text, self.fstab_mode)

    def settle(self, entry):
        """Set owner and mode, and prove that this host can write."""
        self.folder = self.aside(entry, nfs.folder_of, self.path)
        to_be = nfs_share.folder_to_be(self.folder, self.wanted_folder)
        if to_be != self.folder:
            self.aside(entry, nfs.give, self.path, *self.wanted_folder)
            self.folder = to_be
        proof = self.params["proof"] or {"host": "this host", "hosts": ["this host"]}
        self.aside(entry, share_proof.leave, self.path, proof["host"], proof["hosts"], self.token)
        if not self.params["proof"]:
            wrong = self.aside(entry, share_proof.collect, self.path, "this host", {"this host": self.token})
            if wrong:
                raise HostError(f"{entry.source} is mounted on {self.path}, but {wrong['this host']}")

    def undo(self, plan):
        """Unmount what was just mounted, and mount what was before; return what to add to the message."""
        former = fstab.entries_of(self.text, self.path)
        try:
            if nfs.mounts_at(self.path):
                nfs.unmount(self.path, self.timeout)
            if plan.unmount and former:
                nfs.mount(former[0], self.timeout)
                return f" It is mounted as before ({','.join(former[0].options)})."
            if not former:
                files.remove_folder_if_empty(self.path)
        except HostError as error:
            return f" And what was before could not be brought back: {error}"
        return " It is not left mounted."

    def aside(self, entry, function, *arguments):
        """Call what touches the share, and say of an error what it means for it."""
        try:
            return bounded.call(function, *arguments, timeout=self.timeout)
        except bounded.TimedOut as error:
            raise HostError(f"{entry.source}, mounted on {self.path}, hangs: {error}. See to its server.") from error
        except OSError as error:
            raise HostError(f"{entry.source} cannot be used on {self.path}: {nfs.meaning(error)}.") from error

    def unmounted(self):
        """Get it unmounted, or wholly absent; return (before, after) as text."""
        params, absent = self.params, self.params["state"] == "absent"
        source = params["server"] and params["export"] and nfs_share.source(params["server"], params["export"])
        plan = nfs_share.plan_unmounted(self.path, source or None, self.text, self.mounts, keep_entry=not absent)
        before = self.described(self.text, self.mounts)
        mounts = self.mounts[:-1] if plan.unmount else self.mounts
        if not self.check_mode:
            if plan.unmount:
                nfs.unmount(self.path, self.timeout)
                mounts = nfs.mounts_at(self.path)
            if plan.text != self.text:
                nfs.write_fstab(plan.text, self.fstab_mode)
            if absent and not mounts and (plan.unmount or plan.text != self.text):
                files.remove_folder_if_empty(self.path)
        return before, self.described(plan.text, mounts)

    def described(self, text, mounts):
        return nfs_share.described(text, self.path, mounts, self.folder and nfs_share.folder_described(self.folder))
