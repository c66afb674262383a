# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lego, the ACME client, on the control node, and the folder that stores its accounts and certificates."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Optional

from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files, subprocess_timeout
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.io.variables_file import (
    installed_collection,
)

FindProgram = Callable[[str], Optional[str]]
Request = Mapping[str, Any]  # the options of the module `acme_certificate`

FIX = (
    "Install lego 4.9 or newer 4.x there: `apt-get install lego` on Debian 12 and newer, or a release of "
    "https://github.com/go-acme/lego in a folder of PATH"
)
HELP_TIMEOUT = 20  # seconds
FOLDER_MODE, FILE_MODE = 0o700, 0o600
ACCOUNTS = "accounts"  # where lego stores the accounts, below its folder
SCRATCH = ".lego"
NOT_FOR_GIT = ".gitignore"


class Lego:
    """The client. run_command: AnsibleModule.run_command. find: returns the path of a program, or None."""

    def __init__(self, run_command: subprocess_timeout.RunCommand, find: FindProgram) -> None:
        self.run_command, self.path = run_command, find(acme.PROGRAM)

    def check(self, request: Request) -> None:
        """Raise HostError where a request cannot be made from this machine. Contacts no server."""
        if self.path is None:
            raise HostError(f"{acme.PROGRAM} is not installed on the control node. {FIX}.")
        _status, text = subprocess_timeout.run(self.run_command, [self.path, "--help"], HELP_TIMEOUT)
        missing = acme.missing_options(text)
        if missing:
            raise HostError(f"{self.path} does not have the option {', '.join(missing)}. {FIX}.")
        authority = request["ca"]
        if authority and not os.access(authority, os.R_OK):
            raise HostError(f"waba_acme_ca: {authority} cannot be read on the control node. Copy the CA's file there.")
        provider = request["dns_provider"]
        if request["challenge"] == acme.DNS:
            command = [self.path, "dnshelp", "--code", provider]
            if subprocess_timeout.run(self.run_command, command, HELP_TIMEOUT)[0]:
                fix = f"`{acme.PROGRAM} dnshelp` lists the known ones"
                raise HostError(f"waba_acme_dns_provider: {self.path} does not know {provider!r}. {fix}.")
        collection = installed_collection(os.path.abspath(request["folder"]))
        if collection:
            raise HostError(
                f"waba_acme_dir: {request['folder']} is in the installed collection {collection}, so the next installation would "
                "delete it. Copy the inventory to a folder of your own, or set another one."
            )

    def obtain(self, request: Request, lock: int) -> str:
        """Obtain a certificate; return it with its chain and its new key as one text. Raises HostError.

        lock: from `locked_store`. lego inherits it, so that the next run waits for a client that outlives a killed run.
        """
        with files.scratch_folder(os.path.join(request["folder"], SCRATCH)) as scratch:
            # lego writes its files in place. It works on copies, so that a killed run leaves none of them half written.
            _copy(os.path.join(request["folder"], ACCOUNTS), os.path.join(scratch, ACCOUNTS))
            try:
                self._run(request, scratch, lock)
            finally:
                _copy(os.path.join(scratch, ACCOUNTS), os.path.join(request["folder"], ACCOUNTS))
            return _result(os.path.join(scratch, "certificates"))

    def _run(self, request: Request, scratch: str, lock: int) -> None:
        own = {"LEGO_CA_CERTIFICATES": request["ca"]} if request["ca"] else {}
        dns = request["dns_environment"] if request["challenge"] == acme.DNS else {}
        try:
            status, output, errors = subprocess_timeout.call(
                self.run_command,
                [self.path, *acme.arguments(request, scratch)],
                timeout=request["timeout"],
                handle_exceptions=False,
                expand_user_and_vars=False,
                environ_update={**{name: str(value) for name, value in dns.items()}, **own},
                pass_fds=[lock],
            )
        except subprocess_timeout.TimedOut as error:
            raise HostError(f"{acme.PROGRAM} did not end within waba_acme_timeout ({request['timeout']} s)") from error
        except OSError as error:
            raise HostError(f"Cannot run {self.path}: {error.strerror}") from error
        if status:
            raise HostError(acme.failure(f"{output}{errors}"))


def _copy(source: str, target: str) -> None:
    """Copy the files of a folder, each atomically, with mode 0600. Raises HostError."""
    for folder, _folders, names in os.walk(source):
        copied = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        os.makedirs(copied, FOLDER_MODE, exist_ok=True)
        for name in names:
            text = files.read_text(os.path.join(folder, name))
            if text:
                files.write(os.path.join(copied, name), text, FILE_MODE)


def _result(folder: str) -> str:
    """Return certificate and key, which lego wrote into a folder, as one text. Raises HostError."""
    keys = [name for name in os.listdir(folder) if name.endswith(".key")] if os.path.isdir(folder) else []
    if len(keys) != 1:
        raise HostError(f"{acme.PROGRAM} wrote {len(keys)} keys into its folder, not one")
    certificate = files.read_text(os.path.join(folder, f"{keys[0][: -len('.key')]}.crt"))
    try:
        return acme.bundled(certificate or "", files.read_text(os.path.join(folder, keys[0])) or "")
    except ValueError as error:
        raise HostError(f"{acme.PROGRAM} wrote no usable certificate: {error}") from error


@contextlib.contextmanager
def locked_store(folder: str) -> Iterator[int]:
    """Create the folder of accounts and certificates for this user alone, hold a lock on it, and yield its descriptor. Raises HostError."""
    try:
        os.makedirs(folder, FOLDER_MODE, exist_ok=True)
        if stat.S_IMODE(os.stat(folder).st_mode) != FOLDER_MODE:
            os.chmod(folder, FOLDER_MODE)
        with files.locked_folder(folder) as lock:
            excluded = os.path.join(folder, NOT_FOR_GIT)
            if not os.path.exists(excluded):
                files.replace(excluded, "*\n", FILE_MODE, lock)
            yield lock
    except OSError as error:
        raise HostError(f"waba_acme_dir: {folder} cannot be used: {error.strerror}.") from error
