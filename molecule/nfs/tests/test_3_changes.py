"""Options that change, a handle that goes stale, and the way back."""

from __future__ import annotations

import json
import re

from conftest import ADDRESSES, MOUNTED, OPTIONS, SHARE, changed, on, play, results, settings

NFS, UNINSTALL = "playbooks/nfs.yml", "playbooks/uninstall.yml"
# The server is what it was, and looking at it takes the longest.
CLIENTS = ("--limit", "waba_nfs_clients")
SOFTER = ["nfsvers=4.1", "hard", "timeo=300", "retrans=3", "_netdev"]


def options_of(machine: str) -> set[str]:
    return set(on(machine, f"findmnt --noheadings --output OPTIONS {MOUNTED}").split(","))


def test_check_mode_tells_what_would_be_mounted_anew_and_changes_nothing() -> None:
    softer_on_node2 = f"{{{{ {SOFTER} if inventory_hostname == 'node2' else {OPTIONS} }}}}"
    result = play(NFS, "--check", "--diff", "-e", json.dumps({"nfs_mount_options": softer_on_node2}))
    assert changed(result) == {"share": 0, "node1": 0, "node2": 1}
    assert "+/etc/fstab: " in result.stdout
    for node in ("node1", "node2"):
        assert "timeo=600" in options_of(node)


def test_changed_options_are_mounted_and_kept_for_the_next_boot() -> None:
    assert changed(play(NFS, *CLIENTS, "-e", json.dumps({"nfs_mount_options": SOFTER}))) == {"node1": 1, "node2": 1}
    for node in ("node1", "node2"):
        assert {"timeo=300", "retrans=3"} <= options_of(node)
        assert "timeo=300" in on(node, f"grep {MOUNTED} /etc/fstab")


def test_a_run_that_died_between_mounting_and_fstab_is_completed() -> None:
    on("node1", f"sed -i '\\,{MOUNTED},d' /etc/fstab")
    on("node2", f"umount {MOUNTED}")
    assert changed(play(NFS, *CLIENTS)) == {"node1": 1, "node2": 1}
    assert set(changed(play(NFS, *CLIENTS)).values()) == {0}
    for node in ("node1", "node2"):
        assert "timeo=600" in options_of(node)
        assert on(node, "cat /etc/fstab").splitlines()[2:] == [on("node1", f"grep {MOUNTED} /etc/fstab")]


def test_a_stale_handle_is_reported_by_name() -> None:
    def on_the_server(command: str) -> dict:
        return {"ansible.builtin.raw": command, "delegate_to": "share"}

    mount = {"waba.cluster.nfs_mount": settings(path=MOUNTED, mode="0770")}
    withdrawn = on_the_server(f"exportfs -u {ADDRESSES['node1']}:/srv/wamedia; exportfs -f")
    stale, well = results("node1", withdrawn, mount, on_the_server("exportfs -r"), mount)[1::2]
    fault = "its handle is stale: the server no longer exports the folder that was mounted"
    assert stale["msg"] == f"{SHARE} cannot be used on {MOUNTED}: {fault}."
    assert not well["failed"]


def test_uninstall_unmounts_twice_over_and_what_the_share_holds_stays() -> None:
    on("share", "echo kept > /srv/wamedia/media")
    told = changed(play(UNINSTALL, "--check", *CLIENTS))
    assert (told["node1"], told["node2"]) == (1, 1)
    on("node1", f"grep -q {MOUNTED} /proc/self/mountinfo")
    result = play(UNINSTALL)
    done = changed(result)
    assert (done["node1"], done["node2"]) == (1, 1)
    for node in ("node1", "node2"):
        assert re.search(rf"{node} +mount +{MOUNTED} +removed +what the share holds stays", result.stdout)
        on(node, f"! grep {MOUNTED} /proc/self/mountinfo /etc/fstab && test ! -e {MOUNTED}")
        assert on(node, "cat /etc/fstab").splitlines() == ["# of the image", "/dev/ubda / ext4 defaults 0 0"]
    assert set(changed(play(UNINSTALL)).values()) == {0}
    assert on("share", "cat /srv/wamedia/media") == "kept"


def test_unmounted_keeps_the_line_for_the_next_boot_and_mounting_again_finds_the_media() -> None:
    def share_is(state: str) -> dict:
        return {"waba.cluster.nfs_mount": settings(path=MOUNTED, state=state)}

    unmounted = {
        "ansible.builtin.raw": f"grep -q {ADDRESSES['share']} /etc/fstab && ! grep {MOUNTED} /proc/self/mountinfo"
    }
    tasks = {
        "mounted": share_is("mounted"),
        "unmounted": share_is("unmounted"),
        "unmounted again": share_is("unmounted"),
        "in fstab alone": unmounted,
        "mounted again": share_is("mounted"),
        "media": {"ansible.builtin.raw": f"cat {MOUNTED}/media"},
        "absent": share_is("absent"),
    }
    said = dict(zip(tasks, results("node1", *tasks.values()), strict=True))
    assert not [name for name, result in said.items() if result["failed"]], said
    changes = [name for name in tasks if "waba.cluster.nfs_mount" in tasks[name] and said[name]["changed"]]
    assert changes == ["mounted", "unmounted", "mounted again", "absent"]
    assert said["media"]["stdout"].strip() == "kept"
