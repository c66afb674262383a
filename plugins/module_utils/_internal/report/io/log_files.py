# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the logs of a host's containers and the cluster's files on it into a folder, with secrets redacted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.containers import Inspected, name_of
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.stream_redaction import Redactor

if TYPE_CHECKING:
    from docker import DockerClient

LOG = "debug_output.txt"  # docs/reference/vendor-contract.md#support
TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z ")
RESERVED_SPACE = 512 * 2**20  # bytes that stay free on the disk

NewRedactor = Callable[[], Redactor]


class DiskFull(HostError):
    """The host's disk has no space for the logs."""


def known_secrets(path: str, inspected: Iterable[Inspected], given: Iterable[str]) -> set[str]:
    """Return every secret that the host's data may contain: those of its environment files, of its containers, and those given."""
    secrets = {secret for secret in given if secret}
    for name in (contract.NODE_ENVIRONMENT_FILE, contract.DATABASE_ENVIRONMENT_FILE):
        state = files.read(os.path.join(path, name))
        secrets |= redaction.secret_values(dotenv.parsed(state[0])) if state else set()
    for container in inspected:
        environment = dict(entry.partition("=")[::2] for entry in container["Config"].get("Env") or [])
        secrets |= redaction.secret_values(environment)
    return secrets


def write_logs(
    client: DockerClient,
    inspected: Iterable[Inspected],
    folder: str,
    window: Mapping[str, Any],
    redactor: NewRedactor,
) -> list[dict[str, Any]]:
    """Write the logs of containers into one file. Return {"container", "lines", "bytes", "note"} for each. Raises HostError.

    window: {"since", "until": seconds since 1970 or None, "tail": number of lines, 0 for all}. A log that cannot be read gets a note.
    """
    inspected = sorted(inspected, key=name_of)
    width = max((len(container["Name"]) for container in inspected), default=0)
    rows = []
    with open(os.path.join(folder, LOG), "wb", opener=_private) as file:
        for container in inspected:
            name = name_of(container)
            row: dict[str, Any] = {"container": name, "lines": 0, "bytes": 0, "note": ""}
            try:
                lines = redacted(join_frames(_frames(client, container, window)), redactor())
                for piece in prefixed(lines, f"{name:<{width}}| "):
                    file.write(piece)
                    row["lines"] += piece.count(b"\n")
                    row["bytes"] += len(piece)
                    _check_space(folder)
            except DiskFull:
                raise
            except HostError as error:  # such as a logging driver that cannot be read
                row["note"] = redactor().whole(str(error))
                file.write(f"{name:<{width}}| ({row['note']})\n".encode())
            rows.append(row)
    return rows


def _frames(client: DockerClient, container: Inspected, window: Mapping[str, Any]) -> Iterator[bytes]:
    options = {name: window[name] for name in ("since", "until") if window[name] is not None}
    with engine_errors(f"read the log of {name_of(container)}"):
        yield from client.api.logs(
            container["Id"], stream=True, follow=False, timestamps=True, tail=window["tail"] or "all", **options
        )


def join_frames(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the engine's frames without the timestamps inside lines of more than 16 KiB, which could split a secret."""
    continues = False
    for frame in frames:
        yield TIMESTAMP.sub(b"", frame, count=1) if continues and TIMESTAMP.match(frame) else frame
        continues = not frame.endswith(b"\n")


def redacted(pieces: Iterable[bytes], redactor: Redactor) -> Iterator[bytes]:
    """Yield pieces without secrets. redactor: a new Redactor."""
    for piece in pieces:
        yield redactor.feed(piece)
    yield redactor.end()


def prefixed(pieces: Iterable[bytes], prefix: str) -> Iterator[bytes]:
    """Yield pieces with a prefix before every line. The last line gets a newline if it has none."""
    begins, mark = True, prefix.encode()
    for piece in pieces:
        if piece:
            lines = piece.replace(b"\n", b"\n" + mark)
            ended = lines.endswith(b"\n" + mark)
            yield (mark if begins else b"") + (lines[: -len(mark)] if ended else lines)
            begins = ended
    if not begins:
        yield b"\n"


def _check_space(folder: str) -> None:
    status = os.statvfs(folder)
    if status.f_bavail * status.f_frsize < RESERVED_SPACE:
        raise DiskFull(
            f"The logs do not fit on this host's disk ({folder}). Request fewer lines with waba_logs_since or waba_logs_tail."
        )


def write_files(path: str, cluster: str, folder: str, redactor: NewRedactor) -> list[str]:
    """Write copies of the cluster's files on the host with secrets redacted. Return their names."""
    names = []
    for name in contract.ALL_FILES:
        state = files.read(os.path.join(path, name))
        if state and contract.is_managed(state[0], cluster):
            text = state[0]
            if name.endswith(".env"):
                text = dotenv.render(redaction.without_secrets(dotenv.parsed(text)), contract.header(cluster))
            write_private(os.path.join(folder, name), redactor().whole(text))
            names.append(name)
    return names


def write_private(path: str, text: str) -> None:
    """Write a text into a new file that only its owner can read."""
    with open(path, "w", encoding="utf-8", opener=_private) as file:
        file.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
