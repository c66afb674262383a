"""A share that cannot serve is refused by name, within the time it was given, and nothing is left of the try."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ADDRESSES, MOUNTED, SHARE, changed, mount, on, play, settings, state

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
    "bad settings": (
        {"options": ["hard timeo=1"], "mode": "rwx"},
        "Nothing was touched; settings to mend for the share",
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, strangers: None) -> dict[str, dict]:
    """What is said to each case, all in one play: to start one takes as long as to be refused."""
    folder = tmp_path_factory.mktemp("refused")
    tasks = [
        {"waba.cluster.nfs_mount": settings(**options), "ignore_errors": True, "register": f"case{number}"}
        for number, (options, _message) in enumerate(REFUSALS.values())
    ]
    results = "{{ [" + ", ".join(task["register"] for task in tasks) + "] | to_json }}"
    kept = {"ansible.builtin.copy": {"content": results, "dest": f"{folder}/results", "mode": "0600"}}
    book = [{"hosts": "node1", "gather_facts": False, "tasks": [*tasks, {**kept, "delegate_to": "localhost"}]}]
    (folder / "book.yml").write_text(json.dumps(book), encoding="utf-8")
    before, began = state("node1"), time.monotonic()
    assert set(changed(play(f"{folder}/book.yml"))) == {"node1"}
    assert time.monotonic() - began < BOUND
    assert state("node1") == before
    return dict(zip(REFUSALS, json.loads((folder / "results").read_text(encoding="utf-8")), strict=True))


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_by_name_and_leaves_nothing(refused: dict[str, dict], case: str) -> None:
    assert refused[case]["failed"], refused[case]
    assert REFUSALS[case][1] in refused[case]["msg"]


def test_options_that_the_server_refuses_bring_the_former_mount_back() -> None:
    before = state("node1")
    result = mount("node1", path=MOUNTED, options=["nfsvers=4.9"])
    assert "It is mounted as before (nfsvers=4.1,hard," in result["msg"]
    assert state("node1") == before


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
