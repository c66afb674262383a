# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose import bind_mounts

SOURCE, TARGET = "/mnt/wa media", "/usr/local/wamedia"
POINT = SOURCE.replace(" ", "\\040")
DISK = "24 1 98:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"  # as kernel 6.1 tells it
SHARE = f"51 24 0:40 / {POINT} rw shared:5 - nfs4 nfs1:/srv/wamedia rw,vers=4.1\n"
OTHER_SHARE = f"51 24 0:41 / {POINT} rw shared:5 - nfs4 nfs2:/srv/wamedia rw,vers=4.1\n"
DEVICES = {DISK: ("98:0", POINT, "ext4"), SHARE: ("0:40", "/", "nfs4"), OTHER_SHARE: ("0:41", "/", "nfs4")}


def started_on(what):
    """Return the mounts of a container that was started when its host had this at the folder."""
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
        # Hidden by what was mounted above it later.
        (DISK + SHARE + "60 24 0:44 / /mnt rw - tmpfs tmpfs rw\n", SHARE, True),
    ],
)
def test_a_container_has_what_was_there_when_it_started(host, start, differs):
    assert bind_mounts.is_stale(host, SOURCE, started_on(start), TARGET) == differs


def test_a_folder_below_a_mount_is_known_by_its_path_there():
    host = DISK + "51 24 8:1 /@data /mnt rw - btrfs /dev/sda1 rw,subvol=/@data\n"
    container = started_on(DISK).replace("98:0 /mnt/", "8:1 /@data/")
    assert not bind_mounts.is_stale(host, SOURCE, container, TARGET)
    assert bind_mounts.is_stale(host, SOURCE, container.replace("/@data/", "/@older/"), TARGET)


def test_a_folder_that_was_deleted_and_made_again_is_another():
    assert bind_mounts.is_stale(DISK, SOURCE, started_on(DISK).replace(POINT, f"{POINT}//deleted"), TARGET)


@pytest.mark.parametrize(
    ("host", "container"),
    [
        (DISK + SHARE, ""),
        (DISK + SHARE, "no table\n"),
        (DISK + SHARE, "24 1 98:0 / / rw - ext4 /dev/root rw\n"),  # of somebody else's process
        ("", started_on(DISK)),
        (DISK + f"51 24 0:39 / {POINT} rw - autofs systemd-1 rw,fd=54\n", started_on(SHARE)),
    ],
)
def test_what_cannot_be_known_is_no_difference(host, container):
    assert not bind_mounts.is_stale(host, SOURCE, container, TARGET)
