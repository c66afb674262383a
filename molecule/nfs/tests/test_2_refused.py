"""A share that cannot serve is refused by name, within the time it was given, and nothing is left of the try."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ADDRESSES, MOUNTED, SHARE, mount, on, play, results, settings, state

SERVER = ADDRESSES["share"]
NOBODY = SERVER.rpartition(".")[0] + ".99"
BOUND = 60  # seconds, for all of them too; each step has 10 (nfs_mount_timeout), and the machines are slow
pytestmark = pytest.mark.usefixtures("strangers")

REFUSALS = {
    "read-only": (
        {"export": "/srv/readonly"},
        f"{SERVER}:/srv/readonly cannot be used on /mnt/test: the export is read-only. It is not left mounted.",
    ),
    "missing": ({"export": "/srv/nothing"}, f"{SERVER}:/srv/nothing cannot be mounted: "),
    "root squashed": (
        {"export": "/srv/squashed"},
        f"{SERVER}:/srv/squashed cannot be used on /mnt/test: the server does not let this host's root in (root_squash), "
        "or the folder's mode forbids it. It is not left mounted.",
    ),
    "unreachable": ({"server": NOBODY}, f"Nothing answers at {NOBODY}, port 2049, for {NOBODY}:/srv/wamedia: "),
    "no NFS server": ({"server": SERVER, "options": ["port=2050"]}, f"Nothing answers at {SERVER}, port 2050"),
    "no such version": ({"options": ["nfsvers=4.9"]}, f"{SHARE} cannot be mounted: "),
    "over files": ({"path": "/etc/ssh"}, f"/etc/ssh holds files, which {SHARE} would hide."),
    "over another share": (
        {"path": MOUNTED, "export": "/srv/other"},
        f"{SHARE} (nfs) is in /etc/fstab, and {SERVER}:/srv/other would hide what it holds",
    ),
    "options that the server refuses": (
        {"path": MOUNTED, "options": ["nfsvers=4.9"]},
        "It is mounted as before (nfsvers=4.1,hard,",
    ),
    "bad settings": (
        {"options": ["hard timeo=1"], "mode": "rwx"},
        "Nothing was touched; settings to fix for the share",
    ),
}


@pytest.fixture(scope="module")
def refused(strangers: None) -> dict[str, dict]:
    """What is said to each case, all in one play: to start one takes as long as to be refused."""
    tasks = [{"waba.cluster.nfs_mount": settings(**options)} for options, _message in REFUSALS.values()]
    before, began = state("node1"), time.monotonic()
    said = results("node1", *tasks)
    assert time.monotonic() - began < BOUND
    assert state("node1") == before
    return dict(zip(REFUSALS, said, strict=True))


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_by_name_and_leaves_nothing(refused: dict[str, dict], case: str) -> None:
    assert refused[case]["failed"], refused[case]
    assert REFUSALS[case][1] in refused[case]["msg"]


def test_a_play_goes_no_further_when_one_host_has_no_share() -> None:
    result = play(
        "playbooks/nfs.yml",
        "--limit",
        "waba_nfs_clients",
        "-e",
        "{\"nfs_mount_path\": \"{{ '/etc/ssh' if inventory_hostname == 'node2' else '/mnt/wamedia' }}\"}",
    )
    assert result.returncode != 0
    assert "Without the share: node2. What is wrong is told above." in " ".join(result.stdout.split())
    assert on("share", "ls -A /srv/wamedia") == "", "node1's notes for node2"


@pytest.fixture
def frozen() -> Iterator[None]:
    """The server, stopped in the middle of whatever it does: nothing it has open closes, and nothing answers."""
    kernel = int(Path("/var/tmp/waba-nfs/machines/share/pid").read_text(encoding="utf-8"))
    os.kill(kernel, signal.SIGSTOP)
    yield
    os.kill(kernel, signal.SIGCONT)


@pytest.mark.usefixtures("frozen")
def test_a_mounted_share_whose_server_is_gone_is_reported_and_hangs_nobody() -> None:
    began = time.monotonic()
    result = mount("node1", path=MOUNTED)
    assert time.monotonic() - began < BOUND
    assert f"Nothing answers at {SERVER}, port 2049, for {SHARE}: " in result["msg"]


def test_and_serves_again_when_the_server_is_back() -> None:
    assert not mount("node1", path=MOUNTED, mode="0770")["failed"]
