# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import fstab, mount
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import InputError

PATH = "/mnt/wamedia"
OPTIONS = ["nfsvers=4.1", "hard", "timeo=600", "retrans=2", "_netdev", "x-systemd.before=docker.service"]
WANTED = fstab.Entry("nfs1:/srv/wamedia", PATH, "nfs", OPTIONS)
REPORTED = [
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
MOUNTED = fstab.Mount("nfs1:/srv/wamedia", "nfs4", REPORTED)
FSTAB = "/dev/vda1 / ext4 defaults 0 1\n"


@pytest.mark.parametrize(
    ("option", "in_effect"),
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
        ("noresvport", True),  # the kernel does not report it
        ("x-systemd.automount", True),
    ],
)
def test_an_option_conflicts_with_what_the_kernel_reports(option: str, in_effect: bool) -> None:
    assert mount.conflicting_options([option], REPORTED) == ([] if in_effect else [option])


def test_removing_soft_restores_hard() -> None:
    assert mount.conflicting_options(["timeo=600"], ["rw", "soft", "timeo=600"]) == ["hard"]


@pytest.mark.parametrize(
    ("text", "mounts", "steps"),
    [
        (FSTAB, [], (False, True, True)),
        (FSTAB + WANTED.line + "\n", [], (False, True, False)),
        (FSTAB + WANTED.line + "\n", [MOUNTED], (False, False, False)),
        (FSTAB, [MOUNTED], (False, False, True)),  # mounted by hand, or the run was killed before it wrote fstab
        (FSTAB + WANTED.line + "\n", [MOUNTED._replace(options=["rw", "soft"])], (True, True, False)),
        # The kernel does not report this option. fstab is written last, so a difference there shows the change.
        (FSTAB + WANTED._replace(options=[*OPTIONS, "noresvport"]).line + "\n", [MOUNTED], (True, True, True)),
        (FSTAB + WANTED._replace(options=[*OPTIONS, "nofail"]).line + "\n", [MOUNTED], (False, False, True)),
    ],
)
def test_the_plan_depends_on_fstab_and_the_mounted_share(
    text: str, mounts: list[fstab.Mount], steps: tuple[bool, bool, bool]
) -> None:
    plan = mount.plan_mounted(WANTED, text, mounts)
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
def test_a_share_is_not_mounted_over_another_file_system(text: str, mounts: list[fstab.Mount], other: str) -> None:
    with pytest.raises(InputError) as caught:
        mount.plan_mounted(WANTED, text, mounts)
    (problem,) = caught.value.problems
    assert problem.problem == f"{other}, and nfs1:/srv/wamedia would hide its files"


def test_a_trailing_slash_does_not_make_another_share() -> None:
    assert mount.source("nfs1", "/srv/wamedia/") == WANTED.source
    assert not mount.plan_mounted(WANTED, FSTAB, [MOUNTED._replace(source="nfs1:/srv/wamedia/")]).mount
    assert mount.source("fd00::1", "/") == "[fd00::1]:/"


@pytest.mark.parametrize("keep_entry", [True, False])
def test_other_file_systems_remain_mounted(keep_entry: bool) -> None:
    text = FSTAB + WANTED.line + "\n"
    plan = mount.plan_unmounted(PATH, WANTED.source, text, [MOUNTED], keep_entry)
    assert (plan.unmount, plan.text) == (True, text if keep_entry else FSTAB)
    another_share = mount.plan_unmounted(PATH, "nfs9:/other", text, [MOUNTED], keep_entry)
    assert (another_share.unmount, another_share.text) == (False, text)
    disk = mount.plan_unmounted(PATH, None, FSTAB, [fstab.Mount("/dev/vdb1", "ext4", ["rw"])], keep_entry)
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
def test_an_invalid_setting_is_reported(setting: str, changes: dict) -> None:
    valid = {"server": "nfs1", "export": "/srv/wamedia", "path": PATH, "options": OPTIONS, "mode": "0770"}
    assert mount.input_problems(**valid) == []
    assert [problem.variable for problem in mount.input_problems(**{**valid, **changes})] == [setting]


def test_the_port_is_taken_from_the_options() -> None:
    assert mount.port(OPTIONS) == 2049
    assert mount.port(["mountport=1", "port=12049"]) == 12049
