# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs.io import live_mount, share
from ansible_collections.waba.cluster.plugins.modules import nfs_mount

SHARE = {"server": "nfs1", "export": "/srv/wamedia", "options": ["nfsvers=4.1", "hard"]}


class Host:
    """A host whose fstab and mounted file systems are files. `written` is a symbolic link to the mount point."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mount_point, self.written = folder / "data/media", folder / "wamedia"
        self.mount_point.mkdir(parents=True)
        self.written.symlink_to(self.mount_point)
        self.fstab, self.mountinfo = folder / "fstab", folder / "mountinfo"
        self.fstab.write_text("/dev/vda1 / ext4 defaults 0 1\n")
        self.mountinfo.write_text("")
        monkeypatch.setattr(live_mount, "FSTAB", str(self.fstab))
        monkeypatch.setattr(live_mount, "MOUNTINFO", str(self.mountinfo))
        monkeypatch.setattr(live_mount, "has_client", lambda: True)
        monkeypatch.setattr(share, "connection_error", lambda *_arguments: None)

    def mount(self, fstab_path: Path) -> None:
        with self.fstab.open("a") as file:
            file.write(f"nfs1:/srv/wamedia {fstab_path} nfs nfsvers=4.1,hard 0 0\n")
        self.mountinfo.write_text(f"51 24 0:40 / {self.mount_point} rw - nfs4 nfs1:/srv/wamedia rw,vers=4.1,hard\n")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_a_symbolic_link_as_path_needs_no_second_change(run: Callable[..., dict], host: Host) -> None:
    host.mount(host.mount_point)
    answer = run(nfs_mount, check_mode=True, path=str(host.written), **SHARE)
    assert (answer["changed"], answer["diff"]["before"]) == (False, answer["diff"]["after"])


def test_a_share_that_is_mounted_over_a_symbolic_link_is_not_refused_because_of_its_files(
    run: Callable[..., dict], host: Host
) -> None:
    host.mount(host.mount_point)
    (host.mount_point / "media").touch()
    assert not run(nfs_mount, check_mode=True, path=str(host.written), **SHARE).get("failed")


def test_an_entry_with_a_symbolic_link_is_replaced_by_one_without(run: Callable[..., dict], host: Host) -> None:
    host.mount(host.written)
    answer = run(nfs_mount, check_mode=True, path=str(host.written), **SHARE)
    assert answer["changed"]
    assert f"nfs1:/srv/wamedia {host.mount_point} nfs " in answer["diff"]["after"]
    assert f"nfs1:/srv/wamedia {host.written} nfs " not in answer["diff"]["after"]


@pytest.mark.parametrize("entry", ["mount_point", "written"])
def test_absent_unmounts_a_share_behind_a_symbolic_link(run: Callable[..., dict], host: Host, entry: str) -> None:
    host.mount(getattr(host, entry))
    answer = run(nfs_mount, check_mode=True, path=str(host.written), state="absent")
    assert answer["changed"]
    assert answer["diff"]["after"] == "/etc/fstab: nothing\nmounted: nothing\n"


def test_files_below_the_mount_point_are_not_hidden(run: Callable[..., dict], host: Host) -> None:
    (host.mount_point / "media").touch()
    answer = run(nfs_mount, check_mode=True, path=str(host.written), **SHARE)
    assert f"{host.mount_point} contains files" in answer["msg"]


@pytest.mark.parametrize(("state", "missing"), [("mounted", "readers"), ("verified", "tokens")])
def test_notes_without_the_option_of_the_state_are_refused(
    run: Callable[..., dict], host: Host, state: str, missing: str
) -> None:
    answer = run(nfs_mount, path=str(host.written), state=state, notes={"host": "node1"}, **SHARE)
    assert answer["msg"] == f"notes.{missing} is required when state is {state}."


def test_verified_reports_hosts_with_another_share(run: Callable[..., dict], host: Host) -> None:
    notes = {"host": "node1", "tokens": {"node2": "token"}}
    answer = run(nfs_mount, path=str(host.written), state="verified", notes=notes)
    assert (
        f"{host.written} of node1 is not the share of the other hosts:\n  node2: its note is missing" in answer["msg"]
    )
    assert run(nfs_mount, check_mode=True, path=str(host.written), state="verified", notes=notes)["changed"] is False
