"""The share after one run: mounted by the kernel, also at boot, the same on every host, and exported to these hosts only."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import ADDRESSES, MOUNTED, SHARE, Task, play, results, run

NODES = ("node1", "node2")


def test_each_node_mounts_the_share_and_has_one_line_in_fstab() -> None:
    for node in NODES:
        (found,) = json.loads(run(node, f"findmnt --json --output SOURCE,FSTYPE,OPTIONS {MOUNTED}"))["filesystems"]
        assert (found["source"], found["fstype"]) == (SHARE, "nfs4")
        assert {"rw", "hard", "vers=4.1", "timeo=600"} <= set(found["options"].split(","))
        lines = run(node, "cat /etc/fstab").splitlines()
        assert lines[:2] == ["# of the image", "/dev/ubda / ext4 defaults 0 0"]
        assert [line.split()[0] for line in lines[2:]] == [SHARE]


def test_docker_starts_after_the_share_at_boot() -> None:
    assert "docker.service" in run("node1", "systemctl show --property Before mnt-wamedia.mount")
    run("node1", "test -L /run/systemd/generator/docker.service.requires/mnt-wamedia.mount")


def test_file_of_one_node_is_read_and_deleted_by_the_other() -> None:
    run("node1", f"echo from node1 > {MOUNTED}/file")
    assert run("node2", f"cat {MOUNTED}/file; rm {MOUNTED}/file") == "from node1"
    run("share", "test ! -e /srv/wamedia/file")
    # Opening a file contacts the server; listing a folder may use the cache of the client.
    run("node1", f"! cat {MOUNTED}/file 2>/dev/null")


def test_verification_leaves_no_file_on_the_share() -> None:
    assert run("share", "ls -A /srv/wamedia") == ""


def test_mount_point_has_the_configured_mode() -> None:
    assert run("node2", f"stat -c '%a %u' {MOUNTED}") == "770 0"


def test_share_is_exported_to_the_hosts_of_the_cluster_only() -> None:
    exported = run("share", "grep ^/srv/wamedia /var/lib/nfs/etab | cut -f2 | cut -d'(' -f1").splitlines()
    assert sorted(exported) == sorted(ADDRESSES[node] for node in NODES)


@pytest.fixture
def other_folder() -> Iterator[str]:
    """A mount point for another share, removed from the nodes and the shares afterwards."""
    folder = "/mnt/elsewhere"
    yield folder
    for node in NODES:
        run(node, f"umount {folder}; sed -i '\\,{folder},d' /etc/fstab; rmdir {folder}")
    run("share", "rm -rf /srv/*/.waba-share-notes")


def test_hosts_with_different_shares_are_reported(foreign_exports: None, other_folder: str) -> None:
    """Each share works, but they are not the same."""
    export = "{{ '/srv/other' if inventory_hostname == 'node1' else '/srv/wamedia' }}"
    differing = {"nfs_mount_path": other_folder, "nfs_mount_export": export}
    result = play("playbooks/nfs.yml", "--limit", "waba_nfs_clients", "-e", json.dumps(differing))
    assert result.returncode != 0
    output = " ".join(result.stdout.split())
    for node, other in (NODES, NODES[::-1]):
        fault = "its note is missing here: it has mounted another share, or another folder of it"
        assert f"{other_folder} of {node} is not the share of the other hosts: {other}: {fault}" in output


def test_export_creates_its_folder_and_converges_owner_mode_and_options() -> None:
    def exporting(**options: object) -> Task:
        usual = {"path": "/srv/made", "clients": [ADDRESSES["node1"]], "file": "/etc/exports.d/made.exports"}
        return {"waba.cluster.nfs_exports": {**usual, **options}}

    def shell(script: str) -> Task:
        return {"ansible.builtin.raw": script}

    inspect = shell("stat -c '%a %U' /srv/made; grep -c ^/srv/made /var/lib/nfs/etab")
    in_force = shell("grep ^/srv/made /var/lib/nfs/etab | cut -d'(' -f2 | tr -d ')'")
    wanted = {"owner": "nobody", "mode": "0750"}
    squashed = {**wanted, "options": ["rw", "sync", "no_subtree_check"]}
    outcomes = results(
        "share",
        {**exporting(**wanted), "check_mode": True},
        shell("test ! -e /srv/made"),
        exporting(**wanted),
        inspect,
        exporting(**wanted),
        shell("chmod 0777 /srv/made"),
        exporting(**wanted),
        inspect,
        exporting(**squashed),
        in_force,
        exporting(**squashed),
        exporting(**{**squashed, "options": ["rw", "no_such_option"]}),
        in_force,
        exporting(state="absent"),
        inspect,
        shell("rmdir /srv/made"),
    )
    predicted, _absent, created, first, again, _loosened, fixed, second, *tightening, withdrawn, last, _gone = outcomes
    tightened, table, still, unknown, retained = tightening
    assert not [result for result in outcomes if result not in (last, unknown) and result["failed"]], outcomes
    assert [step["changed"] for step in (predicted, created, again, fixed, withdrawn)] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert (tightened["changed"], still["changed"]) == (True, False)
    options = table["stdout"].strip().split(",")
    assert "root_squash" in options
    assert "no_root_squash" not in options
    assert "no_such_option" in unknown["msg"]
    assert retained["stdout"] == table["stdout"], "the former options remain in force"
    assert [outcome["stdout_lines"] for outcome in (first, second)] == [["750 nobody", "1"]] * 2
    assert last["stdout_lines"] == ["750 nobody", "0"]


def test_host_that_leaves_the_cluster_loses_its_access(foreign_exports: None) -> None:
    def exported_to(*nodes: str) -> Task:
        return {"waba.cluster.nfs_exports": {"path": "/srv/wamedia", "clients": [ADDRESSES[node] for node in nodes]}}

    inspect = {"ansible.builtin.raw": "cut -f1,2 /var/lib/nfs/etab"}
    by_hand = {"waba.cluster.nfs_exports": {"path": "/srv/readonly", "clients": [ADDRESSES["node2"]]}}
    steps = exported_to("node1"), by_hand, inspect, exported_to(*NODES), exported_to(*NODES)
    one, refused, etab, both, again = results("share", *steps)
    assert "/etc/exports.d/by_hand.exports exports it too" in refused["msg"]
    assert one["clients"] == [ADDRESSES["node1"]]
    (export,) = [line for line in etab["stdout_lines"] if line.startswith("/srv/wamedia")]
    assert export.split()[1].startswith(f"{ADDRESSES['node1']}(")
    assert [line for line in etab["stdout_lines"] if line.startswith("/srv/readonly")], "an export by hand remains"
    assert (both["changed"], again["changed"]) == (True, False)
