# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import share_notes

HOSTS = ["node1", "node2@dc/1", "node3"]
TOKENS = dict(zip(HOSTS, ["t1", "t2", "t3"]))


def write_all(share: Path, tokens: dict[str, str]) -> None:
    for host, token in tokens.items():
        share_notes.write(str(share), host, HOSTS, token)


def test_every_host_reads_and_deletes_the_notes_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "media").touch()
    write_all(tmp_path, TOKENS)
    assert [share_notes.collect(str(tmp_path), host, TOKENS) for host in HOSTS] == [{}, {}, {}]
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_a_host_with_another_share_is_reported(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    share_notes.write(str(one), "node1", HOSTS, "t1")
    share_notes.write(str(other), "node3", HOSTS, "t3")
    problems = share_notes.collect(str(one), "node1", {"node1": "t1", "node3": "t3"})
    assert problems == {"node3": "its note is missing here: it has mounted another share, or another folder of it"}


def test_a_note_with_another_content_is_reported(tmp_path: Path) -> None:
    write_all(tmp_path, TOKENS)
    note = next(path for path in tmp_path.rglob("node1@*@node3"))
    note.write_text("something else")
    assert share_notes.collect(str(tmp_path), "node3", TOKENS) == {"node1": "its note has another content here"}


def test_notes_for_hosts_that_failed_are_deleted(tmp_path: Path) -> None:
    write_all(tmp_path, {"node1": "t1", "node3": "t3"})
    for host in ("node1", "node3"):
        assert share_notes.collect(str(tmp_path), host, {"node1": "t1", "node3": "t3"}) == {}
    assert list(tmp_path.iterdir()) == []


def test_notes_of_an_interrupted_run_are_deleted(tmp_path: Path) -> None:
    write_all(tmp_path, dict.fromkeys(HOSTS, "killed"))
    write_all(tmp_path, TOKENS)
    assert all(share_notes.collect(str(tmp_path), host, TOKENS) == {} for host in HOSTS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reason", [errno.ENOENT, errno.ESTALE])
def test_a_folder_that_another_host_removes_meanwhile_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def removed(folder: str) -> list[str]:
        raise OSError(reason, os.strerror(reason), folder)

    write_all(tmp_path, TOKENS)
    monkeypatch.setattr(os, "listdir", removed)
    assert share_notes.collect(str(tmp_path), "node1", TOKENS) == {}


def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: str) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO), folder)

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(OSError, match="Input/output error"):
        share_notes.collect(str(tmp_path), "node1", {})


def test_hosts_that_verify_only_themselves_at_the_same_time_do_not_affect_each_other(tmp_path: Path) -> None:
    for host in HOSTS:
        share_notes.write(str(tmp_path), host, [host], TOKENS[host])
    assert [share_notes.collect(str(tmp_path), host, {host: TOKENS[host]}) for host in HOSTS] == [{}, {}, {}]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_host_removes_meanwhile_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def makedirs(path: str, **options: Any) -> None:
        calls.append(path)
        if len(calls) > 1:
            create(path, **options)

    create = os.makedirs
    monkeypatch.setattr(os, "makedirs", makedirs)
    share_notes.write(str(tmp_path), "node1", ["node1"], "token")
    assert share_notes.collect(str(tmp_path), "node1", {"node1": "token"}) == {}
