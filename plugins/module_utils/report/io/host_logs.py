# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The logs of a host's containers and the files that it has for the cluster, written into a folder without a secret."""

from __future__ import annotations

import os
import re

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy

LOG = "debug_output.txt"  # the seed's name for it
STAMP = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z ")
LEAST_FREE = 512 * 2**20  # bytes that stay free on the disk


class NoRoom(HostError):
    """The host's disk cannot take what is asked for."""


def found_secrets(path, inspected, given):
    """Return every secret (set of str) that may be in what a host tells: of its environment files, of its containers, and those that were given."""
    secrets = {secret for secret in given if secret}
    for name in (contract.NODE_ENVIRONMENT_FILE, contract.DATABASE_ENVIRONMENT_FILE):
        state = files.read(os.path.join(path, name))
        secrets |= secrecy.secret_values(dotenv.parsed(state[0])) if state else set()
    for container in inspected:
        environment = dict(entry.partition("=")[::2] for entry in container["Config"].get("Env") or [])
        secrets |= secrecy.secret_values(environment)
    return secrets


def write_logs(client, inspected, folder, window, redactor):
    """Write the logs of containers (inspect answers) into one file. Return [{"container", "lines", "bytes", "note"}]. Raises HostError.

    window: {"since", "until": seconds since 1970 or None, "tail": int, 0 for all}. redactor: function that returns a new Redactor.
    """
    width = max((len(container["Name"]) for container in inspected), default=0)
    rows = []
    with open(os.path.join(folder, LOG), "wb", opener=_for_owner_alone) as file:
        for container in sorted(inspected, key=lambda one: one["Name"]):
            name = container["Name"].lstrip("/")
            row = {"container": name, "lines": 0, "bytes": 0, "note": ""}
            try:
                for piece in prefixed(
                    redacted(joined(_frames(client, container, window)), redactor()), f"{name:<{width}}| "
                ):
                    file.write(piece)
                    row["lines"] += piece.count(b"\n")
                    row["bytes"] += len(piece)
                    _leave_room(folder)
            except NoRoom:
                raise
            except HostError as error:  # as of a logging driver that cannot be read
                row["note"] = redactor().whole(str(error))
                file.write(f"{name:<{width}}| ({row['note']})\n".encode())
            rows.append(row)
    return rows


def _frames(client, container, window):
    options = {name: window[name] for name in ("since", "until") if window[name] is not None}
    with engine_errors(f"read the log of {container['Name'].lstrip('/')}"):
        yield from client.api.logs(
            container["Id"], stream=True, follow=False, timestamps=True, tail=window["tail"] or "all", **options
        )


def joined(frames):
    """Yield the engine's frames (bytes) without the time that it puts into the middle of a line of more than 16 KiB: a secret may be there."""
    goes_on = False
    for frame in frames:
        yield STAMP.sub(b"", frame, count=1) if goes_on and STAMP.match(frame) else frame
        goes_on = not frame.endswith(b"\n")


def redacted(pieces, redactor):
    """Yield pieces (bytes) without secrets. redactor: a new Redactor."""
    for piece in pieces:
        yield redactor.feed(piece)
    yield redactor.end()


def prefixed(pieces, prefix):
    """Yield pieces (bytes) with a prefix (str) before every line; the last line is ended."""
    begins, mark = True, prefix.encode()
    for piece in pieces:
        if piece:
            lines = piece.replace(b"\n", b"\n" + mark)
            ended = lines.endswith(b"\n" + mark)
            yield (mark if begins else b"") + (lines[: -len(mark)] if ended else lines)
            begins = ended
    if not begins:
        yield b"\n"


def _leave_room(folder):
    status = os.statvfs(folder)
    if status.f_bavail * status.f_frsize < LEAST_FREE:
        raise NoRoom(
            f"The logs do not fit on this host's disk ({folder}). Ask for less of them: waba_logs_since or waba_logs_tail."
        )


def write_files(path, cluster, folder, redactor):
    """Write the files that the host has for the cluster, of environment files the values that may be shown. Return their names."""
    names = []
    for name in contract.ALL_FILES:
        state = files.read(os.path.join(path, name))
        if state and contract.is_ours(state[0], cluster):
            text = state[0]
            if name.endswith(".env"):
                text = dotenv.render(secrecy.without_secrets(dotenv.parsed(text)), contract.header(cluster))
            write_private(os.path.join(folder, name), redactor().whole(text))
            names.append(name)
    return names


def write_private(path, text):
    """Write a text into a new file that its owner alone can read."""
    with open(path, "w", encoding="utf-8", opener=_for_owner_alone) as file:
        file.write(text)


def _for_owner_alone(path, flags):
    return os.open(path, flags, 0o600)
