# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notes by which hosts verify that they have mounted the same share. docs/adr/0020-share-verified-by-notes.md

Each host writes one note for each host. Then each host reads and deletes the notes that are addressed to it. The names of the
notes are new in every run, so that no host has cached their absence. Every function accesses the share: call it through
io.subprocess_timeout. Every function raises OSError.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

FOLDER = ".waba-share-notes"
ATTEMPTS = 5
GONE = (errno.ENOENT, errno.ESTALE)  # of a folder that another host has removed; NFS reports an open one as stale


def write(path: str, host: str, readers: Iterable[str], token: str) -> None:
    """Write a note for every reader. path: the mounted share. token: new in every run."""
    folder = os.path.join(path, FOLDER)
    for writer, _reader, name in _notes(folder):
        if writer == host:  # left by an interrupted run
            _unlink(os.path.join(folder, name))
    for reader in readers:
        _write_one(folder, _name(host, token, reader), _text(host, token))


def _write_one(folder: str, name: str, text: str) -> None:
    for attempt in range(ATTEMPTS):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        try:
            with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return
        except OSError as error:  # another host that had collected its last note removed the folder
            if error.errno not in GONE or attempt == ATTEMPTS - 1:
                raise


def collect(path: str, host: str, tokens: Mapping[str, str]) -> dict[str, str]:
    """Read and delete every note for a host; return {writer: problem} for the notes with which that failed.

    tokens: {writer: token}. The host's own notes for hosts that do not take part any more are deleted too.
    """
    folder, problems = os.path.join(path, FOLDER), {}
    for writer, token in tokens.items():
        problem = _collect_one(os.path.join(folder, _name(writer, token, host)), _text(writer, token))
        if problem:
            problems[writer] = problem
    for writer, reader, name in _notes(folder):
        if writer == host and reader not in tokens:
            _unlink(os.path.join(folder, name))
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # succeeds on the last host
    return problems


def _collect_one(note: str, text: str) -> str | None:
    try:
        with open(note, encoding="utf-8") as file:
            same = file.read() == text
        os.unlink(note)
        if os.path.exists(note):
            return "its note cannot be deleted here"
    except FileNotFoundError:
        return "its note is missing here: it has mounted another share, or another folder of it"
    except OSError as error:
        return f"its note cannot be read and deleted here: {error.strerror}"
    return None if same else "its note has another content here"


def _notes(folder: str) -> list[tuple[str, str, str]]:
    """Return (writer, reader, file name) of every note in the folder; none when another host has removed it."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        if error.errno not in GONE:
            raise
        return []
    parts = ((name.split("@"), name) for name in names)
    return [(unquote(part[0]), unquote(part[-1]), name) for part, name in parts if len(part) == 3]


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _name(writer: str, token: str, reader: str) -> str:
    return "@".join(quote(part, safe="") for part in (writer, token, reader))


def _text(writer: str, token: str) -> str:
    return f"{writer} {token}\n"
