# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import fstab
from hypothesis import given
from hypothesis import strategies as st

PATH = "/mnt/media of waba"
ENTRY = fstab.Entry("nfs1:/srv/wamedia", PATH, "nfs", ["nfsvers=4.1", "hard"])
OTHER_LINES = st.lists(
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
LINES = st.sampled_from(
    [[], [ENTRY.line], ["nfs9:/old /mnt/media\\040of\\040waba/ nfs4 soft"], [ENTRY.line, ENTRY.line]]
)


@given(OTHER_LINES, LINES, OTHER_LINES, st.booleans(), st.booleans())
def test_only_the_line_of_the_mount_point_changes(
    before: list[str], own: list[str], after: list[str], last_newline: bool, wanted: bool
) -> None:
    text = "\n".join([*before, *own, *after]) + ("\n" if last_newline and before + own + after else "")
    new = fstab.with_entry(text, PATH, ENTRY if wanted else None)
    assert fstab.entries_of(new, PATH) == ([ENTRY] if wanted else [])
    assert fstab.with_entry(new, PATH, ENTRY if wanted else None) == new
    others = [line for line in new.splitlines() if line != ENTRY.line]
    assert others == [line for line in text.splitlines() if line not in own]


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")) | st.sampled_from(" \t\n\\\\"),
        min_size=1,
    )
)
def test_an_escaped_field_is_read_back(text: str) -> None:
    assert fstab.unescaped(fstab.escaped(text)) == text
    assert len(fstab.escaped(text).split()) == 1


def test_an_entry_is_found_with_any_spelling_of_its_path() -> None:
    for path in ("/mnt/share", "/mnt/share/", "//mnt//share", "/mnt/./share"):
        assert len(fstab.entries_of(f"nfs1:/srv {path} nfs hard 0 0\n", "/mnt/share")) == 1, path


def test_a_mount_has_the_options_of_mount_and_file_system() -> None:
    mountinfo = (  # of kernel 6.1
        "24 1 98:0 / / rw,relatime - ext4 /dev/root rw\n"
        "51 24 0:40 / /mnt/media\\040of\\040waba rw,noatime shared:5 - nfs4 nfs1:/srv/wamedia rw,vers=4.1,hard,timeo=600\n"
    )
    (mount,) = fstab.mounts_by_path(mountinfo)[PATH]
    assert mount == fstab.Mount("nfs1:/srv/wamedia", "nfs4", ["rw", "noatime", "rw", "vers=4.1", "hard", "timeo=600"])
    assert "/mnt" not in fstab.mounts_by_path(mountinfo)


def test_an_entry_with_a_symbolic_link_is_the_entry_of_the_resolved_path() -> None:
    text, resolved = "nfs1:/srv /mnt/link nfs hard 0 0\n", {"/mnt/link": "/data/media"}
    (entry,) = fstab.entries_of(text, "/data/media", resolved)
    assert entry.path == "/mnt/link"
    new = fstab.Entry("nfs1:/srv", "/data/media", "nfs", ["hard"])
    assert fstab.with_entry(text, "/data/media", new, resolved) == f"{new.line}\n"
    assert fstab.mount_points(text) == ["/mnt/link"]
