# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import bind_mounts

SOURCE, TARGET = "/mnt/wa media", "/usr/local/wamedia"
POINT = SOURCE.replace(" ", "\\040")
DISK = "24 1 98:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"  # as kernel 6.1 prints it
SHARE = f"51 24 0:40 / {POINT} rw shared:5 - nfs4 nfs1:/srv/wamedia rw,vers=4.1\n"
OTHER_SHARE = f"51 24 0:41 / {POINT} rw shared:5 - nfs4 nfs2:/srv/wamedia rw,vers=4.1\n"
DEVICES = {DISK: ("98:0", POINT, "ext4"), SHARE: ("0:40", "/", "nfs4"), OTHER_SHARE: ("0:41", "/", "nfs4")}


def started_on(what: str) -> str:
    """Return the mount table of a container that started while its host had this mount at the folder."""
    device, root, fstype = DEVICES[what]
    return (
        "300 200 0:55 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u\n"
        "301 300 0:58 / /proc rw,nosuid - proc proc rw\n"
        f"310 300 {device} {root} {TARGET} rw,relatime - {fstype} source rw\n"
    )


@pytest.mark.parametrize(
    ("host", "start", "differs"),
    [
        (DISK, DISK, False),
        (DISK + SHARE, SHARE, False),
        (DISK + SHARE, DISK, True),
        (DISK, SHARE, True),
        (DISK + OTHER_SHARE, SHARE, True),
        (DISK + SHARE + OTHER_SHARE.replace("51 24", "52 51"), OTHER_SHARE, False),
        (DISK + SHARE + OTHER_SHARE.replace("51 24", "52 51"), SHARE, True),
        # A later mount of the parent folder hides the share.
        (DISK + SHARE + "60 24 0:44 / /mnt rw - tmpfs tmpfs rw\n", SHARE, True),
    ],
)
def test_a_bind_is_stale_when_the_host_mounted_another_folder_later(host: str, start: str, differs: bool) -> None:
    assert bind_mounts.is_stale(host, SOURCE, started_on(start), TARGET) == differs


def test_folders_of_one_file_system_are_compared_by_path() -> None:
    host = DISK + "51 24 8:1 /@data /mnt rw - btrfs /dev/sda1 rw,subvol=/@data\n"
    container = started_on(DISK).replace("98:0 /mnt/", "8:1 /@data/")
    assert not bind_mounts.is_stale(host, SOURCE, container, TARGET)
    assert bind_mounts.is_stale(host, SOURCE, container.replace("/@data/", "/@older/"), TARGET)


def test_a_bind_to_a_deleted_and_recreated_folder_is_stale() -> None:
    assert bind_mounts.is_stale(DISK, SOURCE, started_on(DISK).replace(POINT, f"{POINT}//deleted"), TARGET)


@pytest.mark.parametrize(
    ("host", "container"),
    [
        (DISK + SHARE, ""),
        (DISK + SHARE, "no table\n"),
        (DISK + SHARE, "24 1 98:0 / / rw - ext4 /dev/root rw\n"),  # of a process outside the container
        ("", started_on(DISK)),
        (DISK + f"51 24 0:39 / {POINT} rw - autofs systemd-1 rw,fd=54\n", started_on(SHARE)),
    ],
)
def test_a_bind_is_not_stale_when_the_tables_are_incomplete(host: str, container: str) -> None:
    assert not bind_mounts.is_stale(host, SOURCE, container, TARGET)
