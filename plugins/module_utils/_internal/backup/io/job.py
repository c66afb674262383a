# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes one scheduled backup: dump, verify, encrypt, copy, delete old ones. The host runs it as a program of its own, without Ansible (`program.py`).

An archive has its final name only after everything about it succeeded, so that a run that is killed at any moment leaves nothing that counts as good.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import syslog
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import recipients, retention, state
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import trial_server
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.settings import ARCHIVE, ARCHIVE_VARIABLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.units import unit_name
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io import archiving, backup_archive
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import (
    DatabaseClient,
    read_password,
    server_container,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine, node_command
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

INCOMPLETE = "incomplete"  # the folder of the archive that is being made, or was not copied
WORK = ".work"
FOLDER_MODE, ARCHIVE_MODE, STATE_MODE, METRICS_MODE = 0o700, 0o600, 0o600, 0o644
ERROR_LENGTH = 1000  # characters of a program's errors

Config = Mapping[str, Any]


def run_command(
    command: Sequence[str],
    data: str | None = None,
    environ_update: Mapping[str, str] | None = None,
    expand_user_and_vars: bool = False,  # noqa: ARG001 - the interface of AnsibleModule.run_command
    errors: str = "replace",
) -> tuple[int, str, str]:
    """Run a command; return (status, output, errors). Raises OSError."""
    done = subprocess.run(  # noqa: S603 - no shell; the caller's own commands  # pylint: disable=ansible-bad-function
        list(command),
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        text=True,
        errors=errors,
        env={**os.environ, **(environ_update or {})},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def back_up(config: Config) -> dict[str, Any]:
    """Make one good backup; return its facts for the state: {"name", "taken_at", "sha256", "bytes", "seconds"}. Raises HostError."""
    began, folder, cluster = time.monotonic(), config["folder"], config["cluster_name"]
    if not os.path.isdir(os.path.dirname(folder)):
        raise HostError(f"The folder {os.path.dirname(folder)} does not exist. Is its file system mounted?")
    with backup_archive.exclusive(os.path.join(folder, WORK), cluster):
        os.makedirs(folder, FOLDER_MODE, exist_ok=True)
        incomplete = os.path.join(folder, INCOMPLETE)
        files.remove(incomplete)  # of a killed run, or of one that was not copied
        os.mkdir(incomplete, FOLDER_MODE)
        with files.scratch_folder(os.path.join(folder, WORK)) as scratch:
            plain = os.path.join(scratch, "backup.tar")
            info = database_info(config)
            account = config["database"]
            database = DatabaseClient(run_command, cluster, account)
            manifest = archiving.write(plain, cluster, info, database, account["name"], config["media"])
            verify(config, plain, scratch)
            name = retention.archive_name(cluster, manifest["taken_at"])
            archive = os.path.join(incomplete, name)
            try:
                encrypt(plain, archive, config["recipients"])
            except BaseException:
                files.remove(archive)
                raise
        facts = {"name": name, "taken_at": manifest["taken_at"], "sha256": backup_archive.checksum(archive)}
        facts["bytes"] = os.path.getsize(archive)
        copy_elsewhere(config, archive)
        files.write(os.path.join(folder, f"{name}{retention.CHECKSUM}"), f"{facts['sha256']}  {name}\n", STATE_MODE)
        os.replace(archive, os.path.join(folder, name))
        sync_folder(folder)
        os.rmdir(incomplete)
    return {**facts, "seconds": round(time.monotonic() - began, 1)}


def database_info(config: Config) -> dict[str, Any]:
    """Return the state of the database, from the command of the node. Raises HostError.

    It runs beside a master of this host, or beside the database where this host has no master.
    """
    cluster, account = config["cluster_name"], config["database"]
    masters = containers.with_labels(engine.connect(), f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=master")
    if masters:
        return node_command.run(cluster, "database-info")
    environment = {
        "WA_DB_HOSTNAME": "127.0.0.1",
        "WA_DB_USERNAME": account["user"],
        "WA_DB_PASSWORD": read_password(account),
        "WA_DB_NAME_PREFIX": account["name"][: -len("waba")],
    }
    container = server_container(cluster)["Id"]
    return node_command.run_beside(cluster, config["node_image"], environment, container, "database-info")


def verify(config: Config, archive: str, scratch: str) -> None:
    """Restore an archive into a server of its own as restore.yml would, and compare the result with the manifest. Raises HostError."""
    cluster, name = config["cluster_name"], config["database"]["name"]
    with files.scratch_folder(os.path.join(scratch, "restored")) as folder:
        manifest = backup_archive.unpack(archive, folder)
        with trial_server.running(run_command, cluster, config["server_image"], name) as (server, node, container):
            archiving.load(server, name, manifest, folder)
            image = config["node_image"]
            node_command.run_beside(cluster, image, node, container, "secure-restored", "--epoch", "0")
            found = node_command.run_beside(cluster, image, node, container, "database-info")
    differing = [fact for fact in ("tables", "revision") if found[fact] != manifest[fact]]
    if differing:
        raise HostError(f"The restored backup differs from its manifest in: {', '.join(differing)}. It was discarded.")


def encrypt(source: str, target: str, public_keys: Sequence[str]) -> None:
    """Encrypt a file, and wait until it is on the disk. Raises HostError, OSError."""
    if shutil.which("age") is None:
        raise HostError("age is missing on this host. Install the Debian package age.")
    options = [part for key in public_keys for part in ("--recipient", key)]
    status, _output, errors = run_command(["age", "--encrypt", *options, "--output", target, source])
    if status != 0:
        raise HostError(f"Cannot encrypt the backup: {errors.strip()[-ERROR_LENGTH:]}")
    with open(target, "rb+") as file:
        header = file.read(len(recipients.ENCRYPTED))
        os.fchmod(file.fileno(), ARCHIVE_MODE)
        os.fsync(file.fileno())
    if header != recipients.ENCRYPTED or os.path.getsize(target) < os.path.getsize(source):
        raise HostError("The encrypted backup is incomplete. It was discarded.")


def copy_elsewhere(config: Config, archive: str) -> None:
    """Run the operator's command with the archive. Raises HostError if it fails or does not end in time; the archive is not good then."""
    if not config["copy_command"]:
        return
    command = [part.replace(ARCHIVE, archive) for part in config["copy_command"]]
    environment = {**os.environ, ARCHIVE_VARIABLE: archive}
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's command  # pylint: disable=ansible-bad-function
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise HostError(f"Cannot run waba_backup_copy_command ({command[0]}): {error.strerror}.") from error
    with _killed_at_the_end(process):
        try:
            output, _errors = process.communicate(timeout=config["copy_timeout"])
        except subprocess.TimeoutExpired:
            raise HostError(
                f"waba_backup_copy_command did not end within waba_backup_copy_timeout ({config['copy_timeout']} s). "
                f"The backup was not copied; it remains in {archive} until the next run."
            ) from None
    if process.returncode != 0:
        raise HostError(
            f"waba_backup_copy_command failed with status {process.returncode}: {output.strip()[-ERROR_LENGTH:]}. "
            f"The backup was not copied; it remains in {archive} until the next run."
        )


@contextlib.contextmanager
def _killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def sync_folder(folder: str) -> None:
    """Wait until the names in a folder are on the disk. Raises OSError."""
    with files.locked_folder(folder) as descriptor:
        os.fsync(descriptor)


def delete_expired(config: Config, newest: str) -> list[str]:
    """Delete the archives that the retention does not retain, and return their names. Raises HostError.

    Checksums without an archive are deleted too; a run that was killed before it renamed its archive leaves one.
    """
    folder, cluster, names = config["folder"], config["cluster_name"], os.listdir(config["folder"])
    found = retention.expired(cluster, names, newest, config["keep"], config["keep_days"])
    for name in [*found, *retention.lost_archives(cluster, names)]:
        for path in (name, f"{name}{retention.CHECKSUM}"):
            files.remove(os.path.join(folder, path))
    return found


def read_state(folder: str) -> dict[str, Any]:
    """Return the recorded state, state.NO_STATE where there is none or it cannot be parsed. Raises HostError."""
    found = files.read(os.path.join(folder, state.STATE_FILE))
    try:
        content = json.loads(found[0]) if found else state.NO_STATE
    except ValueError:
        content = state.NO_STATE
    is_state = isinstance(content, dict) and content.get("format") == state.FORMAT
    return {**state.NO_STATE, **content} if is_state else state.NO_STATE


def write_state(config: Config, content: Mapping[str, Any]) -> None:
    """Record the state, and write it as metrics where the folder for them exists. Raises HostError."""
    files.write(os.path.join(config["folder"], state.STATE_FILE), json.dumps(content, indent=2) + "\n", STATE_MODE)
    if config["metrics_folder"] and os.path.isdir(config["metrics_folder"]):
        files.write(
            metrics_path(config), state.metrics(config["cluster_name"], content, config["max_age"]), METRICS_MODE
        )


def metrics_path(config: Config) -> str:
    """Return the path of the metrics, in the folder that the node exporter reads."""
    return os.path.join(config["metrics_folder"], f"waba_backup_{config['cluster_name']}.prom")


class Log:
    """Prints messages, which journald stores, and sends them to syslog on request."""

    def __init__(self, use_syslog: bool, name: str) -> None:
        self.use_syslog = use_syslog
        if use_syslog:
            syslog.openlog(name, syslog.LOG_PID)

    def info(self, text: str) -> None:
        self._write(text, syslog.LOG_INFO)

    def error(self, text: str) -> None:
        self._write(text, syslog.LOG_ERR)

    def _write(self, text: str, priority: int) -> None:
        if self.use_syslog:
            for line in text.splitlines():
                syslog.syslog(priority, line)
        else:
            stream = sys.stderr if priority == syslog.LOG_ERR else sys.stdout
            stream.write(f"{text}\n")
            stream.flush()


def make_one(config: Config, log: Log) -> int:
    """Make one backup and record the outcome. Return the exit status."""
    try:
        done = back_up(config)
        write_state(config, state.succeeded(done, time.time()))
        log.info(f"The backup {done['name']} is good: {done['bytes']} bytes after {done['seconds']} s.")
        if deleted := delete_expired(config, done["name"]):
            log.info(f"Deleted by the retention: {', '.join(deleted)}.")
        return 0
    except (HostError, OSError, Stopped) as error:
        log.error(f"The backup failed: {error}")
        with contextlib.suppress(HostError, OSError):  # the disk may be full, or the folder gone
            write_state(config, state.failed(read_state(config["folder"]), str(error), time.time()))
    return 1


class Stopped(Exception):
    """The process received a signal to end."""


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(f"it was stopped by the signal {signal.Signals(number).name}")


def main() -> int:
    """Make a backup as the configuration file says; return the exit status."""
    parser = argparse.ArgumentParser(description="Make one scheduled backup of a cluster.")
    parser.add_argument("configuration", help="the file that the module backup_schedule wrote")
    parser.add_argument("--syslog", action="store_true", help="write messages to syslog")
    arguments = parser.parse_args()
    isolate_environment(downloads=True)  # the copy command may need a proxy
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _stop)
    try:
        with open(arguments.configuration, encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        parser.error(f"cannot read {arguments.configuration}: {error}")
    return make_one(config, Log(arguments.syslog, unit_name(config["cluster_name"])))
