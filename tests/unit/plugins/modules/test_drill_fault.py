# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io import fault
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import drill_fault

OPTIONS = {"containers": ["abc"], "fault": "isolate", "duration": 40}


@pytest.fixture
def causes(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What the module asks for: (fault, containers, duration, local addresses)."""
    asked: list[tuple] = []

    def cause(
        _run: object, _cluster: str, kind: str, victims: Any, duration: int, local: list[str]
    ) -> dict[str, float]:
        asked.append((kind, victims, duration, local))
        return {"began": 1.0, "ended": 41.0}

    monkeypatch.setattr(drill_fault.engine, "connect", lambda: None)
    monkeypatch.setattr(fault, "victims", lambda _client, _cluster, names: names)
    monkeypatch.setattr(fault, "local_addresses", lambda *_arguments: ["172.18.0.0/16"])
    monkeypatch.setattr(fault, "cause", cause)
    return asked


def test_the_moments_of_the_fault_are_returned(run: Callable[..., dict], causes: list[tuple]) -> None:
    result = run(drill_fault, **OPTIONS)
    assert (result["changed"], result["began"], result["ended"]) == (True, 1.0, 41.0)
    assert causes == [("isolate", ["abc"], 40, [])]


def test_a_host_that_is_cut_off_retains_its_local_traffic(run: Callable[..., dict], causes: list[tuple]) -> None:
    run(drill_fault, **OPTIONS, local_traffic=True)
    assert causes[0][3] == ["172.18.0.0/16"]


def test_check_mode_predicts_a_change_and_causes_nothing(run: Callable[..., dict], causes: list[tuple]) -> None:
    assert run(drill_fault, check_mode=True, **OPTIONS)["changed"]
    assert causes == []


def test_a_container_that_is_gone_is_an_error(
    run: Callable[..., dict], causes: list[tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_arguments: object) -> None:
        raise HostError("it is gone")

    monkeypatch.setattr(fault, "victims", gone)
    result = run(drill_fault, **OPTIONS)
    assert (result["failed"], result["msg"], causes) == (True, "it is gone", [])
