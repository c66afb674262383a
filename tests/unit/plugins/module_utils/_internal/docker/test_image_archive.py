# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_archive import (
    archive_file_name,
    missing_images,
)

PRESENT = {"node": {"id": "sha256:1", "source_hash": "a"}}


@pytest.mark.parametrize(
    ("wanted", "is_missing"),
    [
        ({}, False),
        ({"id": "sha256:1"}, False),
        ({"id": "sha256:2"}, True),
        ({"source_hash": "a"}, False),
        ({"source_hash": "b"}, True),
        ({"id": "sha256:2", "source_hash": "a"}, False),  # the other engine's image store assigns other ids
        ({"id": "sha256:2", "source_hash": None}, True),
    ],
)
def test_an_equal_id_or_source_hash_identifies_an_image(wanted: dict[str, str | None], is_missing: bool) -> None:
    assert missing_images([{"name": "node", **wanted}], PRESENT) == (["node"] if is_missing else [])
    assert missing_images([{"name": "other", **wanted}], PRESENT) == ["other"]


def test_images_of_one_name_with_different_content_get_different_files() -> None:
    names = {archive_file_name("reg.example:5000/waba/node:v1", f"sha256:{digit * 64}") for digit in "01"}
    assert names == {f"reg.example_5000_waba_node_v1-{digit * 12}.tar" for digit in "01"}
