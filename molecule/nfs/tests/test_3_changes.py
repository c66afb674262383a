"""Changed options, a stale handle, unmounting and removal."""

from __future__ import annotations

import json
import re

from conftest import ADDRESSES, MOUNTED, OPTIONS, SHARE, Task, changed, play, results, run, settings

NFS, UNINSTALL = "playbooks/nfs.yml", "playbooks/uninstall.yml"
# The server does not change, and checking it takes the longest.
CLIENTS = ("--limit", "waba_nfs_clients")
SOFTER = ["nfsvers=4.1", "hard", "timeo=300", "retrans=3", "_netdev"]


def options_of(machine: str) -> set[str]:
    return set(run(machine, f"findmnt --noheadings --output OPTIONS {MOUNTED}").split(","))


def test_check_mode_predicts_a_remount_and_changes_nothing() -> None:
    softer_on_node2 = f"{{{{ {SOFTER} if inventory_hostname == 'node2' else {OPTIONS} }}}}"
    result = play(NFS, "--check", "--diff", "-e", json.dumps({"nfs_mount_options": softer_on_node2}))
    assert changed(result) == {"share": 0, "node1": 0, "node2": 1}
    assert "+/etc/fstab: " in result.stdout
    for node in ("node1", "node2"):
        assert "timeo=600" in options_of(node)


def test_changed_options_are_applied_now_and_in_fstab() -> None:
    assert changed(play(NFS, *CLIENTS, "-e", json.dumps({"nfs_mount_options": SOFTER}))) == {"node1": 1, "node2": 1}
    for node in ("node1", "node2"):
        assert {"timeo=300", "retrans=3"} <= options_of(node)
        assert "timeo=300" in run(node, f"grep {MOUNTED} /etc/fstab")


def test_run_after_a_killed_one_completes_mount_and_fstab() -> None:
    run("node1", f"sed -i '\\,{MOUNTED},d' /etc/fstab")
    run("node2", f"umount {MOUNTED}")
    assert changed(play(NFS, *CLIENTS)) == {"node1": 1, "node2": 1}
    assert set(changed(play(NFS, *CLIENTS)).values()) == {0}
    for node in ("node1", "node2"):
        assert "timeo=600" in options_of(node)
        assert run(node, "cat /etc/fstab").splitlines()[2:] == [run("node1", f"grep {MOUNTED} /etc/fstab")]


def test_stale_handle_is_reported() -> None:
    def on_the_server(command: str) -> Task:
        return {"ansible.builtin.raw": command, "delegate_to": "share"}

    mount = {"waba.cluster.nfs_mount": settings(path=MOUNTED, mode="0770")}
    withdrawn = on_the_server(f"exportfs -u {ADDRESSES['node1']}:/srv/wamedia; exportfs -f")
    stale, restored = results("node1", withdrawn, mount, on_the_server("exportfs -r"), mount)[1::2]
    fault = "its handle is stale: the server no longer exports the mounted folder"
    assert stale["msg"] == f"{SHARE} cannot be used on {MOUNTED}: {fault}."
    assert not restored["failed"]


def test_uninstall_unmounts_and_retains_the_content_of_the_share() -> None:
    run("share", "echo saved > /srv/wamedia/media")
    predicted = changed(play(UNINSTALL, "--check", *CLIENTS))
    assert (predicted["node1"], predicted["node2"]) == (1, 1)
    run("node1", f"grep -q {MOUNTED} /proc/self/mountinfo")
    result = play(UNINSTALL)
    done = changed(result)
    assert (done["node1"], done["node2"]) == (1, 1)
    for node in ("node1", "node2"):
        assert re.search(rf"{node} +mount +{MOUNTED} +removed +the content of the share is retained", result.stdout)
        run(node, f"! grep {MOUNTED} /proc/self/mountinfo /etc/fstab && test ! -e {MOUNTED}")
        assert run(node, "cat /etc/fstab").splitlines() == ["# of the image", "/dev/ubda / ext4 defaults 0 0"]
    assert set(changed(play(UNINSTALL)).values()) == {0}
    assert run("share", "cat /srv/wamedia/media") == "saved"


def test_state_unmounted_retains_fstab_and_mounting_again_finds_the_media() -> None:
    def share_is(state: str) -> Task:
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
    outcomes = dict(zip(tasks, results("node1", *tasks.values()), strict=True))
    assert not [name for name, result in outcomes.items() if result["failed"]], outcomes
    changes = [name for name in tasks if "waba.cluster.nfs_mount" in tasks[name] and outcomes[name]["changed"]]
    assert changes == ["mounted", "unmounted", "mounted again", "absent"]
    assert outcomes["media"]["stdout"].strip() == "saved"
