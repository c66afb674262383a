# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.nfs import exports
from hypothesis import given
from hypothesis import strategies as st

# As nfs-utils 2.8 writes it.
ETAB = (
    "/srv/wamedia\t10.0.0.11(rw,sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,sec=sys,rw,secure)\n"
    "/srv/wamedia\t10.0.0.12(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,sec=sys,ro,secure)\n"
    "/srv/other\t*(ro,sync)\n"
)
OPTIONS = ["rw", "sync", "no_root_squash"]


def test_clients_are_added_corrected_and_removed_for_one_folder_only() -> None:
    found = exports.current_exports(ETAB, "/srv/wamedia")
    assert set(found) == {"10.0.0.11", "10.0.0.12"}
    assert exports.plan(["10.0.0.11"], OPTIONS, found) == ([], ["10.0.0.12"])
    assert exports.plan(["10.0.0.11", "10.0.0.12", "10.0.0.13"], OPTIONS, found) == (["10.0.0.12", "10.0.0.13"], [])


TABLE = [pair[0] for pair in exports.PAIRS]
OF_EACH_FLAVOUR = ("ro", "secure", "root_squash", "no_all_squash")


def in_the_table(options: list[str]) -> list[str]:
    """Return the options that the server's table lists after an export with options without sec=."""
    in_effect = {
        pair[0]: next((option for option in reversed(options) if option in pair), pair[0]) for pair in exports.PAIRS
    }
    listed = [in_effect[name] for name in TABLE] + ["anonuid=65534", "anongid=65534", "sec=sys"]
    return listed + [in_effect[name] for name in OF_EACH_FLAVOUR]


WRITTEN = st.lists(st.sampled_from(sorted(exports.PAIR_OF)), max_size=6)


@given(wanted=WRITTEN, former=WRITTEN)
def test_changed_options_are_detected_and_a_second_plan_is_empty(wanted: list[str], former: list[str]) -> None:
    missing, _obsolete = exports.plan(["10.0.0.11"], wanted, {"10.0.0.11": in_the_table(former)})
    assert bool(missing) == (in_the_table(wanted) != in_the_table(former))
    assert exports.plan(["10.0.0.11"], wanted, {"10.0.0.11": in_the_table(wanted)}) == ([], [])


@pytest.mark.parametrize("removed", ["no_root_squash", "insecure", "crossmnt", "rw", "async"])
def test_a_removed_option_does_not_remain_in_effect(removed: str) -> None:
    current = {"10.0.0.11": in_the_table([*OPTIONS, removed])}
    options = [option for option in OPTIONS if option not in (removed, "sync")]
    assert exports.plan(["10.0.0.11"], options, current) == (["10.0.0.11"], [])


@pytest.mark.parametrize(
    ("options", "table", "differs"),
    [
        # exportfs -o adds to the options in effect, so that one flavour still has the old one.
        (["rw"], "rw,root_squash,sec=sys,rw,secure,no_root_squash,no_all_squash", True),
        (["rw"], "rw,root_squash,sec=sys,rw,secure,root_squash,no_all_squash", False),
        (["rw"], "rw,sec=krb5p,rw", True),
        (["sec=krb5p", "rw", "sec=sys", "ro"], "ro,root_squash,sec=krb5p,rw,secure,sec=sys,ro,secure", False),
        (["sec=krb5p", "rw", "sec=sys", "ro"], "rw,root_squash,sec=krb5p:sys,rw,secure", True),
        (["rw", "fsid=5"], "rw,fsid=5,anonuid=65534", False),
        (["rw", "fsid=5"], "rw,anonuid=65534", True),
        (["rw", "no_auth_nlm"], "rw,insecure_locks", False),
        (["rw"], "rw,options,of=tomorrow", False),
    ],
)
def test_options_are_compared_by_their_effect(options: list[str], table: str, differs: bool) -> None:
    assert bool(exports.plan(["10.0.0.11"], options, {"10.0.0.11": table.split(",")})[0]) == differs


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
def test_a_folder_that_another_file_exports_is_refused(text: str, refused: bool) -> None:
    found = exports.exported_elsewhere("/srv/wa media", {"/etc/exports.d/other.exports": text, "/etc/exports": ""})
    assert [(problem.variable, problem.value, problem.problem) for problem in found] == [
        ("nfs_server_export", "/srv/wa media", "/etc/exports.d/other.exports exports it too")
    ] * refused


@given(
    st.sets(st.from_regex(r"10\.0\.0\.[0-9]{1,2}", fullmatch=True)),
    st.sets(st.from_regex(r"10\.0\.0\.[0-9]{1,2}", fullmatch=True)),
)
def test_a_plan_that_was_executed_leaves_nothing_to_do(wanted: set[str], current: set[str]) -> None:
    missing, obsolete = exports.plan(wanted, OPTIONS, dict.fromkeys(current, OPTIONS))
    now = (current | set(missing)) - set(obsolete)
    assert now == wanted
    assert exports.plan(wanted, OPTIONS, dict.fromkeys(now, OPTIONS)) == ([], [])


def test_a_folder_with_a_space_is_one_field() -> None:
    assert exports.render("/srv/wa media", ["10.0.0.11"], OPTIONS, "a comment") == (
        "# a comment\n/srv/wa\\040media 10.0.0.11(rw,sync,no_root_squash)\n"
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
def test_an_invalid_setting_is_reported(setting: str, changes: dict) -> None:
    valid = {"path": "/srv/wamedia", "clients": ["10.0.0.0/24"], "options": OPTIONS, "mode": "0770"}
    assert exports.input_problems(**valid) == []
    assert [problem.variable for problem in exports.input_problems(**{**valid, **changes})] == [setting]


def test_a_folder_that_is_a_symbolic_link_is_refused_with_the_path_to_use() -> None:
    assert exports.link_problems("/srv/wamedia/", "/srv/wamedia") == []
    (problem,) = exports.link_problems("/srv/wamedia", "/data/media")
    assert (problem.variable, problem.value) == ("nfs_server_export", "/srv/wamedia")
    assert problem.fix == "Set nfs_server_export and nfs_mount_export to /data/media"
