# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_source
from hypothesis import given
from hypothesis import strategies as st

FILES = st.dictionaries(
    st.text(min_size=1, max_size=8), st.tuples(st.integers(0, 0o111), st.text(max_size=8)), max_size=4
)

SOURCES = [
    "deb http://mirror.example.org/debian trixie main",
    "deb http://mirror.example.org/debian trixie-updates main",
]


@given(FILES, FILES)
def test_hashes_are_equal_exactly_when_the_sources_are(
    one: dict[str, tuple[int, str]], other: dict[str, tuple[int, str]]
) -> None:
    same = image_source.image_hash("base", one) == image_source.image_hash("base", other)
    assert same == (one == other)


def test_the_hash_ignores_the_order_of_packages_and_includes_the_suite() -> None:
    assert image_source.base_hash(["b", "a"], "trixie") == image_source.base_hash(["a", "b"], "trixie")
    assert image_source.base_hash(["a"], "trixie") != image_source.base_hash(["a"], "forky")


def test_another_revision_of_the_packages_is_another_source() -> None:
    assert image_source.base_hash(["a"], "trixie") == image_source.base_hash(["a"], "trixie", "")
    assert image_source.base_hash(["a"], "trixie", "2026-11") != image_source.base_hash(["a"], "trixie", "2026-12")


def test_the_base_image_keeps_the_registry_and_drops_the_tag() -> None:
    assert (
        image_source.base_name("reg.example:5000/waba/node:v1", "0123456789abcdef")
        == "reg.example:5000/waba/node-base:0123456789ab"
    )


def test_mmdebstrap_gets_packages_suite_target_and_sources() -> None:
    command = image_source.mmdebstrap_command(["b", "a"], "trixie", SOURCES, "/tmp/x.tar")
    assert "--include=a,b" in command
    assert command[-4:] == ["trixie", "/tmp/x.tar", *SOURCES]


def test_expired_release_files_are_accepted_for_rolling_suites_only() -> None:
    for suite, is_accepted in (("trixie", False), ("sid", True)):
        command = image_source.mmdebstrap_command(["a"], suite, SOURCES, "/tmp/x.tar")
        assert ('--aptopt=Acquire::Check-Valid-Until "false"' in command) is is_accepted
