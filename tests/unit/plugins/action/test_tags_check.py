# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.action.tags_check import partial_run


@pytest.mark.parametrize(
    ("own", "run_tags", "skip_tags", "option"),
    [
        (["always"], ["all"], [], ""),
        (["always"], ["untagged"], [], ""),
        (["always"], ["all"], ["web"], ""),
        (["always"], ["images", "nfs"], [], "--tags images,nfs"),
        (["always"], ["tagged"], [], "--tags tagged"),
        (["always"], ["all"], ["untagged"], "--skip-tags untagged"),
        (["always", "messaging"], ["messaging"], [], ""),
        (["always", "messaging"], ["web"], [], ""),
    ],
)
def test_only_tags_that_skip_a_part_are_refused(
    own: list[str], run_tags: list[str], skip_tags: list[str], option: str
) -> None:
    assert partial_run(own, run_tags, skip_tags) == option
