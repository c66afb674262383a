# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Notes from host to host on a share: the proof that what one host writes every other reads and can delete.

Each host leaves one note for each host; then each host reads and deletes the notes meant for it. Nobody touches a note that another host
still has to read, and the names are new in every run, so that no host remembers from before that there is no such file.
All of it touches the share, so all of it is to be called aside (io.subprocess_timeout). Raises OSError.
"""

from __future__ import annotations

import contextlib
import os
from urllib.parse import quote, unquote

FOLDER = ".waba-share-proof"


def leave(path, host, readers, token):
    """Write a note for every reader. path: str, the share. host: str. readers: list of str. token: str, new in every run."""
    folder = os.path.join(path, FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for writer, _reader, name in _notes(folder):
        if writer == host:  # from an earlier run, cut short
            _unlink(os.path.join(folder, name))
    for reader in readers:
        with open(os.path.join(folder, _name(host, token, reader)), "x", encoding="utf-8") as file:
            file.write(_text(host, token))
            file.flush()
            os.fsync(file.fileno())


def collect(path, host, tokens):
    """Read and delete every note meant for a host; return {writer: what is wrong} of those that could not.

    tokens: {writer: token}. What else is here from the same host, for hosts that fell out, goes too.
    """
    folder, wrong = os.path.join(path, FOLDER), {}
    for writer, token in tokens.items():
        note = os.path.join(folder, _name(writer, token, host))
        try:
            with open(note, encoding="utf-8") as file:
                if file.read() != _text(writer, token):
                    wrong[writer] = "what it wrote is read differently here"
            os.unlink(note)
            if os.path.exists(note):
                wrong[writer] = "what it wrote cannot be deleted here"
        except FileNotFoundError:
            wrong[writer] = "what it wrote is not seen here: it has another share mounted, or another folder of it"
        except OSError as error:
            wrong[writer] = f"what it wrote cannot be read and deleted here: {error.strerror}"
    for writer, reader, name in _notes(folder):
        if writer == host and reader not in tokens:
            _unlink(os.path.join(folder, name))
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # by whoever is last
    return wrong


def _notes(folder):
    """Return (writer, reader, file name) of every note that lies there."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    parts = ((name.split("@"), name) for name in names)
    return [(unquote(part[0]), unquote(part[-1]), name) for part, name in parts if len(part) == 3]


def _unlink(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _name(writer, token, reader):
    return "@".join(quote(part, safe="") for part in (writer, token, reader))


def _text(writer, token):
    return f"{writer} {token}\n"
