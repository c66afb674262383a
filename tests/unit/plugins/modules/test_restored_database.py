# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import node_command
from ansible_collections.waba.cluster.plugins.modules import restored_database


@pytest.mark.parametrize(
    ("options", "check_mode", "expected"),
    [
        ({"epoch": 41}, False, [("waba", "secure-restored", "--epoch", "41")]),
        (
            {"epoch": 41, "takeover_delay": 0},
            False,
            [("waba", "secure-restored", "--epoch", "41", "--takeover-delay", "0.0")],
        ),
        ({"epoch": 41}, True, []),
    ],
)
def test_the_node_secures_the_database_except_in_check_mode(
    run: Callable[..., dict],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    check_mode: bool,
    expected: list[tuple[str, ...]],
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(node_command, "run", lambda *arguments, **_options: commands.append(arguments))
    assert run(restored_database, check_mode=check_mode, **options)["changed"] is True
    assert commands == expected
