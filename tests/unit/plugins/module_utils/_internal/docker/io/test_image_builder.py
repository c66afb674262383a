# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_builder


def test_caches_and_tests_beside_the_sources_do_not_change_the_hash(tmp_path: Path) -> None:
    source = tmp_path / "src" / "node.py"
    source.parent.mkdir()
    source.write_text("first", encoding="utf-8")
    before = image_builder.read_files(str(tmp_path))
    assert list(before) == ["src/node.py"]
    for left in (".hypothesis", ".pytest_cache", "src/__pycache__", "tests"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "file").write_text("left", encoding="utf-8")
    assert image_builder.read_files(str(tmp_path)) == before
    source.write_text("second", encoding="utf-8")
    assert image_builder.read_files(str(tmp_path)) != before
