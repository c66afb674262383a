# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.docker.image_archive import file_name, missing

HAD = {"node": {"id": "sha256:1", "source_hash": "a"}}


@pytest.mark.parametrize(
    ("wanted", "lacks"),
    [
        ({}, False),
        ({"id": "sha256:1"}, False),
        ({"id": "sha256:2"}, True),
        ({"source_hash": "a"}, False),
        ({"source_hash": "b"}, True),
        ({"id": "sha256:2", "source_hash": "a"}, False),  # another kind of store tells another id
        ({"id": "sha256:2", "source_hash": None}, True),
    ],
)
def test_an_image_is_the_same_by_its_id_or_by_what_it_was_made_from(wanted, lacks):
    assert missing([{"name": "node", **wanted}], HAD) == (["node"] if lacks else [])
    assert missing([{"name": "other", **wanted}], HAD) == ["other"]


def test_two_images_of_one_name_are_two_files():
    names = {file_name("reg.example:5000/waba/node:v1", f"sha256:{digit * 64}") for digit in "01"}
    assert names == {f"reg.example_5000_waba_node_v1-{digit * 12}.tar" for digit in "01"}
