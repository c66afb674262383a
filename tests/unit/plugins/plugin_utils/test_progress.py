# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.action import image
from ansible_collections.waba.cluster.plugins.plugin_utils import _progress as progress


def test_line_names_host_task_and_limit() -> None:
    assert progress.line("node1", "Start the masters", 20.4, 180) == "  node1: Start the masters: 20 s of at most 180 s"


def test_line_without_a_limit() -> None:
    assert progress.line("db1", "Dump the database", 30, None) == "  db1: Dump the database: 30 s so far"


def test_lines_are_written_once_per_interval_until_the_block_ends() -> None:
    written: list[float] = []
    with progress.reported(written.append, interval=0.02):
        time.sleep(0.3)
    count = len(written)
    time.sleep(0.05)
    assert 1 <= len(written) == count
    assert written == sorted(written)


def test_a_short_block_writes_nothing() -> None:
    written: list[float] = []
    with progress.reported(written.append, interval=5):
        pass
    assert written == []


@pytest.mark.parametrize(
    ("arguments", "named"), [({"name": "node:1"}, "node:1"), ({"names": ["node:1", "db:1"]}, "node:1, db:1")]
)
def test_lines_of_an_image_task_name_the_images(arguments: dict[str, object], named: str) -> None:
    action = image.ActionModule.__new__(image.ActionModule)
    action._task = SimpleNamespace(name="Build the images", action="waba.cluster.image", args=arguments)
    assert action.description() == f"Build the images ({named})"
