# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.nfs import exports
from hypothesis import given
from hypothesis import strategies as st

# As nfs-utils 2.8 writes it.
ETAB = (
    "/srv/wamedia\t10.0.0.11(rw,sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,sec=sys,rw,secure)\n"
    "/srv/wamedia\t10.0.0.12(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,sec=sys,ro,secure)\n"
    "/srv/other\t*(ro,sync)\n"
)
OPTIONS = ["rw", "sync", "no_root_squash"]


def test_hosts_are_added_mended_and_taken_off_and_other_folders_are_not_ours():
    found = exports.exported(ETAB, "/srv/wamedia")
    assert set(found) == {"10.0.0.11", "10.0.0.12"}
    assert exports.plan(["10.0.0.11"], OPTIONS, found) == ([], ["10.0.0.12"])
    assert exports.plan(["10.0.0.11", "10.0.0.12", "10.0.0.13"], OPTIONS, found) == (["10.0.0.12", "10.0.0.13"], [])


TABLE = [pair[0] for pair in exports.PAIRS]
OF_A_FLAVOUR = ("ro", "secure", "root_squash", "no_all_squash")


def in_the_table(options):
    """Return the words (list of str) that the table has after a folder was exported anew with options that name no sec=."""
    held = {
        pair[0]: next((option for option in reversed(options) if option in pair), pair[0]) for pair in exports.PAIRS
    }
    words = [held[name] for name in TABLE] + ["anonuid=65534", "anongid=65534", "sec=sys"]
    return words + [held[name] for name in OF_A_FLAVOUR]


WRITTEN = st.lists(st.sampled_from(sorted(exports.PAIR_OF)), max_size=6)


@given(wanted=WRITTEN, former=WRITTEN)
def test_options_that_changed_are_seen_and_what_was_carried_out_leaves_nothing_to_do(wanted, former):
    late, _gone = exports.plan(["10.0.0.11"], wanted, {"10.0.0.11": in_the_table(former)})
    assert bool(late) == (in_the_table(wanted) != in_the_table(former))
    assert exports.plan(["10.0.0.11"], wanted, {"10.0.0.11": in_the_table(wanted)}) == ([], [])


@pytest.mark.parametrize("taken_out", ["no_root_squash", "insecure", "crossmnt", "rw", "async"])
def test_an_option_that_is_taken_out_does_not_stay_in_force(taken_out):
    had = {"10.0.0.11": in_the_table([*OPTIONS, taken_out])}
    options = [option for option in OPTIONS if option not in (taken_out, "sync")]
    assert exports.plan(["10.0.0.11"], options, had) == (["10.0.0.11"], [])


@pytest.mark.parametrize(
    ("options", "table", "late"),
    [
        # exportfs -o added to what was in force, so that one flavour still has it.
        (["rw"], "rw,root_squash,sec=sys,rw,secure,no_root_squash,no_all_squash", True),
        (["rw"], "rw,root_squash,sec=sys,rw,secure,root_squash,no_all_squash", False),
        (["rw"], "rw,sec=krb5p,rw", True),
        (["sec=krb5p", "rw", "sec=sys", "ro"], "ro,root_squash,sec=krb5p,rw,secure,sec=sys,ro,secure", False),
        (["sec=krb5p", "rw", "sec=sys", "ro"], "rw,root_squash,sec=krb5p:sys,rw,secure", True),
        (["rw", "fsid=5"], "rw,fsid=5,anonuid=65534", False),
        (["rw", "fsid=5"], "rw,anonuid=65534", True),
        (["rw", "no_auth_nlm"], "rw,insecure_locks", False),
        (["rw"], "rw,words,of=tomorrow", False),
    ],
)
def test_what_holds_is_compared_and_not_how_it_is_written(options, table, late):
    assert bool(exports.plan(["10.0.0.11"], options, {"10.0.0.11": table.split(",")})[0]) == late


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("/srv/wa\\040media 10.0.0.12(rw)\n", True),
        ('"/srv/wa media" -sync \\\n  10.0.0.12(rw)\n', True),
        ("/srv/other *(ro)\n  /srv/wa\\040media/ *(ro)\n", True),
        ("# /srv/wa\\040media 10.0.0.12(rw)\n\n", False),
        ("/srv/wa\\040media/below 10.0.0.12(rw)\n/srv 10.0.0.12(rw)\n", False),
        ("/srv/other \\\n/srv/wa\\040media\n", False),
    ],
)
def test_a_folder_that_another_file_exports_is_refused_by_its_name(text, refused):
    wrong = exports.exported_elsewhere("/srv/wa media", {"/etc/exports.d/other.exports": text, "/etc/exports": ""})
    assert [(problem.variable, problem.value, problem.problem) for problem in wrong] == [
        ("nfs_server_export", "/srv/wa media", "/etc/exports.d/other.exports exports it too")
    ] * refused


@given(
    st.sets(st.from_regex(r"10\.0\.0\.[0-9]{1,2}", fullmatch=True)),
    st.sets(st.from_regex(r"10\.0\.0\.[0-9]{1,2}", fullmatch=True)),
)
def test_what_was_carried_out_leaves_nothing_to_do(wanted, had):
    late, gone = exports.plan(wanted, OPTIONS, dict.fromkeys(had, OPTIONS))
    now = (had | set(late)) - set(gone)
    assert now == wanted
    assert exports.plan(wanted, OPTIONS, dict.fromkeys(now, OPTIONS)) == ([], [])


def test_a_folder_with_a_blank_is_one_field():
    assert exports.render("/srv/wa media", ["10.0.0.11"], OPTIONS, "ours") == (
        "# ours\n/srv/wa\\040media 10.0.0.11(rw,sync,no_root_squash)\n"
    )


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("nfs_server_export", {"path": "/"}),
        ("nfs_server_clients", {"clients": ["*"]}),
        ("nfs_server_clients", {"clients": ["10.0.0.1(rw)"]}),
        ("nfs_server_options", {"options": ["rw,sync"]}),
        ("nfs_server_mode", {"mode": "u=rwx"}),
    ],
)
def test_wrong_settings_are_named(setting, changes):
    sound = {"path": "/srv/wamedia", "clients": ["10.0.0.0/24"], "options": OPTIONS, "mode": "0770"}
    assert exports.input_problems(**sound) == []
    assert [problem.variable for problem in exports.input_problems(**{**sound, **changes})] == [setting]
