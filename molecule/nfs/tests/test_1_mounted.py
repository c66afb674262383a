"""The share after one play: real, at boot too, the same for all, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import ADDRESSES, MOUNTED, SHARE, on, play, results

NODES = ("node1", "node2")


def test_every_node_has_the_share_mounted_by_the_kernel_and_fstab_has_one_line_more() -> None:
    for node in NODES:
        (found,) = json.loads(on(node, f"findmnt --json --output SOURCE,FSTYPE,OPTIONS {MOUNTED}"))["filesystems"]
        assert (found["source"], found["fstype"]) == (SHARE, "nfs4")
        assert {"rw", "hard", "vers=4.1", "timeo=600"} <= set(found["options"].split(","))
        lines = on(node, "cat /etc/fstab").splitlines()
        assert lines[:2] == ["# of the image", "/dev/ubda / ext4 defaults 0 0"]
        assert [line.split()[0] for line in lines[2:]] == [SHARE]


def test_docker_waits_for_the_share_at_boot() -> None:
    assert "docker.service" in on("node1", "systemctl show --property Before mnt-wamedia.mount")
    on("node1", "test -L /run/systemd/generator/docker.service.requires/mnt-wamedia.mount")


def test_what_one_node_writes_the_other_reads_and_deletes() -> None:
    on("node1", f"echo from node1 > {MOUNTED}/file")
    assert on("node2", f"cat {MOUNTED}/file; rm {MOUNTED}/file") == "from node1"
    on("share", "test ! -e /srv/wamedia/file")
    # Opening asks the server; a mere look may be answered from what the client remembers.
    on("node1", f"! cat {MOUNTED}/file 2>/dev/null")


def test_the_proof_left_nothing_on_the_share() -> None:
    assert on("share", "ls -A /srv/wamedia") == ""


def test_the_folder_has_the_mode_that_was_asked_for() -> None:
    assert on("node2", f"stat -c '%a %u' {MOUNTED}") == "770 0"


def test_only_the_clusters_hosts_may_mount_it() -> None:
    exported = on("share", "grep ^/srv/wamedia /var/lib/nfs/etab | cut -f2 | cut -d'(' -f1").splitlines()
    assert sorted(exported) == sorted(ADDRESSES[node] for node in NODES)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A folder to mount another share on; nothing of it is left, on the nodes or on the shares."""
    folder = "/mnt/elsewhere"
    yield folder
    for node in NODES:
        on(node, f"umount {folder}; sed -i '\\,{folder},d' /etc/fstab; rmdir {folder}")
    on("share", "rm -rf /srv/*/.waba-share-proof")


def test_hosts_with_different_shares_are_named(strangers: None, elsewhere: str) -> None:
    """Each of the shares is sound by itself."""
    export = "{{ '/srv/other' if inventory_hostname == 'node1' else '/srv/wamedia' }}"
    differing = {"nfs_mount_path": elsewhere, "nfs_mount_export": export}
    result = play("playbooks/nfs.yml", "--limit", "waba_nfs_clients", "-e", json.dumps(differing))
    assert result.returncode != 0
    said = " ".join(result.stdout.split())
    for node, other in (NODES, NODES[::-1]):
        fault = "what it wrote is not seen here: it has another share mounted, or another folder of it"
        assert f"{elsewhere} of {node} is not the share of the other hosts: {other}: {fault}" in said


def test_a_folder_to_export_is_made_and_kept_as_it_is_wanted() -> None:
    def exporting(**options: object) -> dict:
        made = {"path": "/srv/made", "clients": [ADDRESSES["node1"]], "file": "/etc/exports.d/made.exports"}
        return {"waba.cluster.nfs_exports": {**made, **options}}

    def shell(script: str) -> dict:
        return {"ansible.builtin.raw": script}

    look = shell("stat -c '%a %U' /srv/made; grep -c ^/srv/made /var/lib/nfs/etab")
    in_force = shell("grep ^/srv/made /var/lib/nfs/etab | cut -d'(' -f2 | tr -d ')'")
    wanted = {"owner": "nobody", "mode": "0750"}
    squashed = {**wanted, "options": ["rw", "sync", "no_subtree_check"]}
    said = results(
        "share",
        {**exporting(**wanted), "check_mode": True},
        shell("test ! -e /srv/made"),
        exporting(**wanted),
        look,
        exporting(**wanted),
        shell("chmod 0777 /srv/made"),
        exporting(**wanted),
        look,
        exporting(**squashed),
        in_force,
        exporting(**squashed),
        exporting(**{**squashed, "options": ["rw", "no_such_option"]}),
        in_force,
        exporting(state="absent"),
        look,
        shell("rmdir /srv/made"),
    )
    told, _absent, made, first, again, _loosened, fixed, second, *tightening, withdrawn, last, _gone = said
    tightened, table, still, unknown, kept = tightening
    assert not [result for result in said if result not in (last, unknown) and result["failed"]], said
    assert [step["changed"] for step in (told, made, again, fixed, withdrawn)] == [True, True, False, True, True]
    assert (tightened["changed"], still["changed"]) == (True, False)
    options = table["stdout"].strip().split(",")
    assert "root_squash" in options
    assert "no_root_squash" not in options
    assert "no_such_option" in unknown["msg"]
    assert kept["stdout"] == table["stdout"], "the former options hold"
    assert [seen["stdout_lines"] for seen in (first, second)] == [["750 nobody", "1"]] * 2
    assert last["stdout_lines"] == ["750 nobody", "0"]


def test_a_host_taken_out_of_the_cluster_loses_its_access(strangers: None) -> None:
    def exported_to(*nodes: str) -> dict:
        return {"waba.cluster.nfs_exports": {"path": "/srv/wamedia", "clients": [ADDRESSES[node] for node in nodes]}}

    look = {"ansible.builtin.raw": "cut -f1,2 /var/lib/nfs/etab"}
    by_hand = {"waba.cluster.nfs_exports": {"path": "/srv/readonly", "clients": [ADDRESSES["node2"]]}}
    steps = exported_to("node1"), by_hand, look, exported_to(*NODES), exported_to(*NODES)
    one, refused, etab, both, again = results("share", *steps)
    assert "/etc/exports.d/by_hand.exports exports it too" in refused["msg"]
    assert one["clients"] == [ADDRESSES["node1"]]
    (ours,) = [line for line in etab["stdout_lines"] if line.startswith("/srv/wamedia")]
    assert ours.split()[1].startswith(f"{ADDRESSES['node1']}(")
    assert [line for line in etab["stdout_lines"] if line.startswith("/srv/readonly")], "what somebody made by hand"
    assert (both["changed"], again["changed"]) == (True, False)
