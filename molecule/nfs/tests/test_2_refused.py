"""An unusable share is refused with its problem, and nothing is left of the attempt."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ADDRESSES, MOUNTED, SHARE, Task, mount, play, results, run, settings, state

SERVER = ADDRESSES["share"]
UNUSED_ADDRESS = SERVER.rpartition(".")[0] + ".99"
pytestmark = pytest.mark.usefixtures("foreign_exports")

REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "read-only": (
        {"export": "/srv/readonly"},
        f"{SERVER}:/srv/readonly cannot be used on /mnt/test: the export is read-only. It is not left mounted.",
    ),
    "missing": ({"export": "/srv/nothing"}, f"{SERVER}:/srv/nothing cannot be mounted: "),
    "root squashed": (
        {"export": "/srv/squashed"},
        f"{SERVER}:/srv/squashed cannot be used on /mnt/test: the server denies access to root of this host (root_squash), "
        "or the mode of the folder does. It is not left mounted.",
    ),
    "unreachable": (
        {"server": UNUSED_ADDRESS},
        f"The NFS server {UNUSED_ADDRESS}, port 2049, of {UNUSED_ADDRESS}:/srv/wamedia does not answer: ",
    ),
    "no NFS server": ({"server": SERVER, "options": ["port=2050"]}, f"The NFS server {SERVER}, port 2050"),
    "no such version": ({"options": ["nfsvers=4.9"]}, f"{SHARE} cannot be mounted: "),
    "over files": ({"path": "/etc/ssh"}, f"/etc/ssh contains files, which {SHARE} would hide."),
    "over another share": (
        {"path": MOUNTED, "export": "/srv/other"},
        f"{SHARE} (nfs) is in /etc/fstab, and {SERVER}:/srv/other would hide its files",
    ),
    "options that the server refuses": (
        {"path": MOUNTED, "options": ["nfsvers=4.9"]},
        "It is mounted as before (nfsvers=4.1,hard,",
    ),
    "bad settings": (
        {"options": ["hard timeo=1"], "mode": "rwx"},
        "Nothing was changed. Fix the settings of the share",
    ),
}


@pytest.fixture(scope="module")
def refused(foreign_exports: None) -> dict[str, Task]:
    """The result of each case, all in one play: the start of a play takes as long as a refusal."""
    tasks = [{"waba.cluster.nfs_mount": settings(**options)} for options, _message in REFUSALS.values()]
    before = state("node1")
    outcomes = results("node1", *tasks)
    assert state("node1") == before
    return dict(zip(REFUSALS, outcomes, strict=True))


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_by_name_and_leaves_nothing(refused: dict[str, Task], case: str) -> None:
    assert refused[case]["failed"], refused[case]
    assert REFUSALS[case][1] in refused[case]["msg"]


def test_play_ends_if_one_host_lacks_the_share() -> None:
    result = play(
        "playbooks/nfs.yml",
        "--limit",
        "waba_nfs_clients",
        "-e",
        "{\"nfs_mount_path\": \"{{ '/etc/ssh' if inventory_hostname == 'node2' else '/mnt/wamedia' }}\"}",
    )
    assert result.returncode != 0
    assert "These hosts have not mounted the share: node2. See the errors above." in " ".join(result.stdout.split())
    assert run("share", "ls -A /srv/wamedia") == "", "no notes of node1 for node2"


@pytest.fixture
def frozen() -> Iterator[None]:
    """The server, stopped by a signal: its connections stay open, and nothing answers."""
    kernel = int(Path("/var/tmp/waba-nfs/machines/share/pid").read_text(encoding="utf-8"))
    os.kill(kernel, signal.SIGSTOP)
    yield
    os.kill(kernel, signal.SIGCONT)


@pytest.mark.usefixtures("frozen")
def test_unresponsive_server_of_a_mounted_share_is_reported() -> None:
    result = mount("node1", path=MOUNTED)
    assert f"The NFS server {SERVER}, port 2049, of {SHARE} does not answer: " in result["msg"]


def test_mounted_share_works_again_once_the_server_responds() -> None:
    assert not mount("node1", path=MOUNTED, mode="0770")["failed"]
