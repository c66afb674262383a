# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.planner import exports
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
