# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import options

OPTIONS = {
    "innodb_buffer_pool_size": "2G",
    "max-connections": 500,
    "performance_schema": False,
    "init_connect": "SET @a = '$b'",
}
ARGUMENTS = [
    "--innodb_buffer_pool_size=2G",
    "--max-connections=500",
    "--performance_schema=OFF",
    "--init_connect=SET @a = '$b'",
]


def test_compose_passes_the_options_as_arguments(params: dict, real_compose: None, tmp_path: Path) -> None:
    params.update(database_options=OPTIONS, layout="role")
    for name, (text, _mode) in host_files.host_files(plan_nodes(params), params, {}, {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["docker", "compose", "--file", str(tmp_path / "multiconnect-db.yml"), "config", "--format", "json"]
    answer = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (service,) = json.loads(answer.stdout)["services"].values()
    assert [argument.replace("$$", "$") for argument in service["command"]] == ARGUMENTS


def test_without_options_the_command_of_the_image_is_used(params: dict) -> None:
    text, _mode = host_files.host_files(plan_nodes({**params, "layout": "role"}), {**params, "layout": "role"}, {}, {})[
        "multiconnect-db.yml"
    ]
    assert "command" not in text


@pytest.mark.parametrize("name", ["datadir", "ssl-key", "bind-address", "user"])
def test_reserved_options_are_refused_in_either_spelling(name: str) -> None:
    (problem,) = options.problems({name: "x"})
    assert problem.problem == "the collection sets it itself"
