# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.setting_names import unknown

KNOWN = {"waba_coreapp_instances", "waba_dir", "waba_database_host", "images_source"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("waba_coreap_instances", "waba_coreapp_instances"),
        ("waba_coreapps_instances", "waba_coreapp_instances"),
        ("waba_db_host", "waba_database_host"),
        ("waba_directory", "waba_dir"),
    ],
)
def test_a_misspelled_setting_is_refused_with_the_nearest_name(written: str, meant: str) -> None:
    (problem,), warnings = unknown([written, *KNOWN], KNOWN)
    assert (problem.variable, problem.fix, warnings) == (written, f"Write {meant}", [])


def test_an_unknown_name_with_the_shared_prefix_is_refused() -> None:
    (problem,), _warnings = unknown(["waba_zzzzzzzzzzz"], KNOWN)
    assert problem.fix.startswith("Take it out")


def test_variables_with_another_prefix_are_accepted() -> None:
    problems, warnings = unknown(["images_sorce", "imagination", "ansible_host"], KNOWN)
    assert problems == []
    assert [warning.fix for warning in warnings] == ["Did you mean images_source?"]
