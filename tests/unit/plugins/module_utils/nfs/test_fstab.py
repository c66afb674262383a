# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.nfs import fstab
from hypothesis import given
from hypothesis import strategies as st

PATH = "/mnt/media of ours"
ENTRY = fstab.Entry("nfs1:/srv/wamedia", PATH, "nfs", ["nfsvers=4.1", "hard"])
STRANGERS = st.lists(
    st.sampled_from(
        [
            "# a comment",
            "",
            "  ",
            "UUID=1-2 / ext4 errors=remount-ro 0 1",
            "/dev/sr0\t/media/cdrom\tudf noauto 0 0",
            "short",
            "tmpfs /mnt tmpfs",
        ]
    )
)
OURS = st.sampled_from(
    [[], [ENTRY.line], ["nfs9:/old /mnt/media\\040of\\040ours/ nfs4 soft"], [ENTRY.line, ENTRY.line]]
)


@given(STRANGERS, OURS, STRANGERS, st.booleans(), st.booleans())
def test_one_line_is_ours_and_every_other_stays_to_the_byte(before, ours, after, last_newline, wanted):
    text = "\n".join([*before, *ours, *after]) + ("\n" if last_newline and before + ours + after else "")
    new = fstab.with_entry(text, PATH, ENTRY if wanted else None)
    assert fstab.entries_of(new, PATH) == ([ENTRY] if wanted else [])
    assert fstab.with_entry(new, PATH, ENTRY if wanted else None) == new
    kept = [line for line in new.splitlines() if line != ENTRY.line]
    assert kept == [line for line in text.splitlines() if line not in ours]


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")) | st.sampled_from(" \t\n\\\\"),
        min_size=1,
    )
)
def test_a_field_reads_back_as_it_was(text):
    assert fstab.unescaped(fstab.escaped(text)) == text
    assert len(fstab.escaped(text).split()) == 1


def test_an_entry_is_found_however_its_path_is_written():
    for path in ("/mnt/share", "/mnt/share/", "//mnt//share", "/mnt/./share"):
        assert len(fstab.entries_of(f"nfs1:/srv {path} nfs hard 0 0\n", "/mnt/share")) == 1, path


def test_what_is_mounted_is_told_with_the_options_of_mount_and_file_system():
    mountinfo = (  # as kernel 6.1 tells it
        "24 1 98:0 / / rw,relatime - ext4 /dev/root rw\n"
        "51 24 0:40 / /mnt/media\\040of\\040ours rw,noatime shared:5 - nfs4 nfs1:/srv/wamedia rw,vers=4.1,hard,timeo=600\n"
    )
    (mount,) = fstab.mounts_at(mountinfo, PATH)
    assert mount == fstab.Mount("nfs1:/srv/wamedia", "nfs4", ["rw", "noatime", "rw", "vers=4.1", "hard", "timeo=600"])
    assert fstab.mounts_at(mountinfo, "/mnt") == []
