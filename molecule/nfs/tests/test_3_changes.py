"""Options that change, a handle that goes stale, and the way back."""

from __future__ import annotations

from conftest import ADDRESSES, MOUNTED, SHARE, changed, mount, on, play

NFS, UNINSTALL = "playbooks/nfs.yml", "playbooks/uninstall.yml"
# The server is what it was, and looking at it takes the longest.
CLIENTS = ("--limit", "waba_nfs_clients")
SOFTER = (*CLIENTS, "-e", '{"nfs_mount_options": ["nfsvers=4.1", "hard", "timeo=300", "retrans=3", "_netdev"]}')


def options_of(machine: str) -> set[str]:
    return set(on(machine, f"findmnt --noheadings --output OPTIONS {MOUNTED}").split(","))


def test_check_mode_on_a_mounted_share_tells_and_changes_nothing() -> None:
    assert set(changed(play(NFS, "--check", "--diff")).values()) == {0}
    result = play(NFS, "--check", "--diff", *SOFTER)
    assert changed(result) == {"node1": 1, "node2": 1}
    assert "+/etc/fstab: " in result.stdout
    assert "timeo=600" in options_of("node1")


def test_changed_options_are_mounted_and_kept_for_the_next_boot() -> None:
    assert changed(play(NFS, *SOFTER)) == {"node1": 1, "node2": 1}
    for node in ("node1", "node2"):
        assert {"timeo=300", "retrans=3"} <= options_of(node)
        assert "timeo=300" in on(node, f"grep {MOUNTED} /etc/fstab")


def test_a_run_that_died_between_mounting_and_fstab_is_completed() -> None:
    on("node1", f"sed -i '\\,{MOUNTED},d' /etc/fstab")
    on("node2", f"umount {MOUNTED}")
    assert changed(play(NFS, *CLIENTS)) == {"node1": 1, "node2": 1}
    assert set(changed(play(NFS, *CLIENTS)).values()) == {0}
    assert "timeo=600" in options_of("node1")


def test_a_stale_handle_is_reported_by_name() -> None:
    on("share", f"exportfs -u {ADDRESSES['node1']}:/srv/wamedia; exportfs -f")
    try:
        result = mount("node1", path=MOUNTED, mode="0770")
    finally:
        on("share", "exportfs -r")
    stale = "its handle is stale: the server no longer exports the folder that was mounted"
    assert result["msg"] == f"{SHARE} cannot be used on {MOUNTED}: {stale}."
    assert not mount("node1", path=MOUNTED, mode="0770")["failed"]


def test_uninstall_unmounts_twice_over_and_what_the_share_holds_stays() -> None:
    on("share", "echo kept > /srv/wamedia/media")
    told = changed(play(UNINSTALL, "--check", *CLIENTS))
    assert (told["node1"], told["node2"]) == (1, 1)
    on("node1", f"grep -q {MOUNTED} /proc/self/mountinfo")
    done = changed(play(UNINSTALL))
    assert (done["node1"], done["node2"]) == (1, 1)
    for node in ("node1", "node2"):
        on(node, f"! grep {MOUNTED} /proc/self/mountinfo /etc/fstab && test ! -e {MOUNTED}")
        assert on(node, "cat /etc/fstab").splitlines() == ["# of the image", "/dev/ubda / ext4 defaults 0 0"]
    assert set(changed(play(UNINSTALL)).values()) == {0}
    assert on("share", "cat /srv/wamedia/media") == "kept"


def test_unmounted_keeps_the_line_for_the_next_boot_and_mounting_again_finds_the_media() -> None:
    assert mount("node1", path=MOUNTED)["changed"]
    assert mount("node1", path=MOUNTED, state="unmounted")["changed"]
    assert not mount("node1", path=MOUNTED, state="unmounted")["changed"]
    on("node1", f"grep -q {ADDRESSES['share']} /etc/fstab && ! grep {MOUNTED} /proc/self/mountinfo")
    assert mount("node1", path=MOUNTED)["changed"]
    assert on("node1", f"cat {MOUNTED}/media") == "kept"
    assert mount("node1", path=MOUNTED, state="absent")["changed"]
