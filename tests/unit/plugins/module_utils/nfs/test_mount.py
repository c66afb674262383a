# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.nfs import fstab
from ansible_collections.waba.cluster.plugins.module_utils.nfs import mount as nfs_share
from ansible_collections.waba.cluster.plugins.module_utils.problems import InputError

PATH = "/mnt/wamedia"
OPTIONS = ["nfsvers=4.1", "hard", "timeo=600", "retrans=2", "_netdev", "x-systemd.before=docker.service"]
WANTED = fstab.Entry("nfs1:/srv/wamedia", PATH, "nfs", OPTIONS)
TOLD = [
    "rw",
    "relatime",
    "vers=4.1",
    "rsize=262144",
    "hard",
    "timeo=600",
    "retrans=2",
    "acregmin=30",
    "acregmax=30",
    "acdirmin=30",
    "acdirmax=30",
]
MOUNTED = fstab.Mount("nfs1:/srv/wamedia", "nfs4", TOLD)
FSTAB = "/dev/vda1 / ext4 defaults 0 1\n"


@pytest.mark.parametrize(
    ("option", "kept"),
    [
        ("nfsvers=4.1", True),
        ("vers=4", True),
        ("nfsvers=4.2", False),
        ("timeo=600", True),
        ("timeo=60", False),
        ("rsize=1048576", True),  # the server grants less
        ("rsize=1024", False),
        ("actimeo=30", True),
        ("actimeo=120", False),
        ("soft", False),
        ("noresvport", True),  # the kernel does not tell it
        ("x-systemd.automount", True),
    ],
)
def test_an_option_is_kept_or_contradicted_by_what_the_kernel_tells(option, kept):
    assert nfs_share.contradicted([option], TOLD) == ([] if kept else [option])


def test_leaving_soft_out_asks_for_hard_again():
    assert nfs_share.contradicted(["timeo=600"], ["rw", "soft", "timeo=600"]) == ["hard"]


@pytest.mark.parametrize(
    ("text", "mounts", "steps"),
    [
        (FSTAB, [], (False, True, True)),
        (FSTAB + WANTED.line + "\n", [], (False, True, False)),
        (FSTAB + WANTED.line + "\n", [MOUNTED], (False, False, False)),
        (FSTAB, [MOUNTED], (False, False, True)),  # mounted by hand, or a run was killed before it wrote fstab
        (FSTAB + WANTED.line + "\n", [MOUNTED._replace(options=["rw", "soft"])], (True, True, False)),
        # An option that the kernel does not tell: fstab is written last, so it still tells that one was changed.
        (FSTAB + WANTED._replace(options=[*OPTIONS, "noresvport"]).line + "\n", [MOUNTED], (True, True, True)),
        (FSTAB + WANTED._replace(options=[*OPTIONS, "nofail"]).line + "\n", [MOUNTED], (False, False, True)),
    ],
)
def test_the_plan_follows_what_is_mounted_and_what_fstab_says(text, mounts, steps):
    plan = nfs_share.plan_mounted(WANTED, text, mounts)
    assert (plan.unmount, plan.mount, plan.text != text) == steps
    assert plan.text == FSTAB + WANTED.line + "\n"


@pytest.mark.parametrize(
    ("text", "mounts", "other"),
    [
        (FSTAB, [MOUNTED._replace(source="nfs2:/srv/wamedia")], "nfs2:/srv/wamedia (nfs4) is mounted there"),
        (FSTAB, [MOUNTED._replace(source="/dev/vdb1", fstype="ext4")], "/dev/vdb1 (ext4) is mounted there"),
        (FSTAB + "nfs1:/old /mnt/wamedia nfs hard 0 0\n", [], "nfs1:/old (nfs) is in /etc/fstab"),
    ],
)
def test_no_setting_hides_what_is_there(text, mounts, other):
    with pytest.raises(InputError) as caught:
        nfs_share.plan_mounted(WANTED, text, mounts)
    (problem,) = caught.value.problems
    assert problem.problem == f"{other}, and nfs1:/srv/wamedia would hide what it holds"


def test_a_slash_at_the_end_is_no_other_share():
    assert nfs_share.source("nfs1", "/srv/wamedia/") == WANTED.source
    assert not nfs_share.plan_mounted(WANTED, FSTAB, [MOUNTED._replace(source="nfs1:/srv/wamedia/")]).mount
    assert nfs_share.source("fd00::1", "/") == "[fd00::1]:/"


@pytest.mark.parametrize("keep_entry", [True, False])
def test_unmounting_leaves_what_is_not_ours(keep_entry):
    text = FSTAB + WANTED.line + "\n"
    plan = nfs_share.plan_unmounted(PATH, WANTED.source, text, [MOUNTED], keep_entry)
    assert (plan.unmount, plan.text) == (True, text if keep_entry else FSTAB)
    stranger = nfs_share.plan_unmounted(PATH, "nfs9:/other", text, [MOUNTED], keep_entry)
    assert (stranger.unmount, stranger.text) == (False, text)
    disk = nfs_share.plan_unmounted(PATH, None, FSTAB, [fstab.Mount("/dev/vdb1", "ext4", ["rw"])], keep_entry)
    assert (disk.unmount, disk.text) == (False, FSTAB)


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("nfs_mount_server", {"server": "nfs1:/srv"}),
        ("nfs_mount_server", {"server": "nfs 1"}),
        ("nfs_mount_export", {"export": "srv"}),
        ("nfs_mount_path", {"path": "/"}),
        ("nfs_mount_path", {"path": "//."}),
        ("nfs_mount_path", {"path": "mnt"}),
        ("nfs_mount_path", {"path": "/mnt/../etc"}),
        ("nfs_mount_options", {"options": ["hard timeo=600"]}),
        ("nfs_mount_options", {"options": ["ro"]}),
        ("nfs_mount_mode", {"mode": "u+w"}),
    ],
)
def test_wrong_settings_are_named(setting, changes):
    sound = {"server": "nfs1", "export": "/srv/wamedia", "path": PATH, "options": OPTIONS, "mode": "0770"}
    assert nfs_share.input_problems(**sound) == []
    assert [problem.variable for problem in nfs_share.input_problems(**{**sound, **changes})] == [setting]


def test_the_port_is_the_one_of_the_options():
    assert nfs_share.port(OPTIONS) == 2049
    assert nfs_share.port(["mountport=1", "port=12049"]) == 12049
