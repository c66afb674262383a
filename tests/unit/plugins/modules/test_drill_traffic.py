# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io import traffic
from ansible_collections.waba.cluster.plugins.modules import drill_traffic

HEALTH = {
    "one:m1": {"role": "primary_master", "gateway_status": "disconnected"},
    "one:c1": {"role": "coreapp", "gateway_status": "connected"},
    "one:c2": {"role": "coreapp", "gateway_status": "connected", "errors": [{"title": "gone"}]},
}
OPTIONS = {
    "password": "Wanted-1",
    "api_key": "key",
    "expect": {"masters": 1, "coreapps": 1},
    "recipients": ["12025550100", "12125550100"],
}


@pytest.fixture
def send(run: Callable[..., dict], server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Run the module for a moment. message: the answer to a message, or a function that returns it."""
    monkeypatch.setattr(traffic, "FOLDER", str(tmp_path / "drill"))
    monkeypatch.setattr(traffic, "READ_INTERVAL", 0.3)

    def module(message: Any = (200, {"messages": [{"id": "1"}]}, {}), health: Any = None, **params: Any) -> dict:
        def answer(_method: str, path: str, *_rest: object) -> Any:
            if path.endswith("login"):
                return 200, {"users": [{"token": "abc"}]}, {}
            if path.endswith("health"):
                return 200, {"health": HEALTH if health is None else health}, {}
            if path.endswith("messages"):
                return message() if callable(message) else message
            return 200, {}, {}

        server.answer = answer
        return run(drill_traffic, **server.connection, **{**OPTIONS, "duration": 1, "interval": 0.2, **params})

    return module


def outcomes(result: dict, kind: str = "message") -> set[str]:
    return {call["outcome"] for call in result["calls"] if call["kind"] == kind}


def test_every_call_is_recorded_with_its_moment_and_outcome(send: Callable[..., dict], server: Any) -> None:
    result = send()
    assert (outcomes(result), outcomes(result, "read")) == ({"accepted"}, {"accepted"})
    moments = [call["at"] for call in result["calls"]]
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] <= 2
    assert abs(result["began"] - time.time()) < 60
    sent = [(body["to"], authorization) for _method, path, authorization, body in server.calls if "messages" in path]
    assert set(sent) == {("12025550100", "Bearer abc"), ("12125550100", "Bearer abc")}
    assert {call["recipient"] for call in result["calls"]} == {0, 1}


def test_a_refusal_is_recorded_with_its_reason(send: Callable[..., dict]) -> None:
    errors = {"errors": [{"code": 1018, "title": "Shard not available", "details": "no owner"}]}
    result = send((503, errors, {}))
    (error,) = {call["error"] for call in result["calls"] if call["outcome"] == "refused"}
    assert "1018 Shard not available" in error


def test_a_call_without_an_answer_is_recorded(send: Callable[..., dict]) -> None:
    assert outcomes(send(lambda: None)) == {"unanswered"}


def test_a_slow_answer_delays_no_other_message(send: Callable[..., dict]) -> None:
    def slow() -> Any:
        time.sleep(0.8)
        return 200, {}, {}

    moments = [call["at"] for call in send(slow)["calls"] if call["kind"] == "message"]
    assert len(moments) >= 3
    assert moments[1] < 0.8


def test_the_state_of_the_cluster_names_sound_nodes_only(send: Callable[..., dict]) -> None:
    state = send()["states"][0]
    assert (state["primary"], state["connected"], state["healthy"]) == ("m1", ["c1"], False)
    assert "gone" in state["reason"]


def test_a_cluster_without_health_has_no_roles(send: Callable[..., dict]) -> None:
    state = send(health={"one:c1": {"role": "coreapp", "gateway_status": "disconnected"}})["states"][0]
    assert (state["primary"], state["connected"], state["healthy"]) == ("", [], False)


def test_no_secret_is_in_the_result(send: Callable[..., dict]) -> None:
    result = send()
    result.pop("invocation", None)  # contains the options; ansible-core 2.21 does not return it
    assert not any(secret in str(result) for secret in ("Wanted-1", "abc", "'key'", "12025550100"))


def test_background_traffic_is_collected_when_it_is_stopped(
    send: Callable[..., dict], run: Callable[..., dict], server: Any, tmp_path: Path
) -> None:
    began = time.monotonic()
    assert "calls" not in send(state="started", duration=60)
    time.sleep(1)
    result = run(drill_traffic, **server.connection, state="stopped")
    assert (outcomes(result), outcomes(result, "read")) == ({"accepted"}, {"accepted"})
    assert result["states"]
    assert time.monotonic() - began < 15
    assert not (tmp_path / "drill").exists()
    assert [path for _method, path, *_rest in server.calls][-1] == "/v1/users/logout"


def test_background_traffic_that_no_drill_collects_leaves_no_result(send: Callable[..., dict], tmp_path: Path) -> None:
    send(state="started", duration=0)
    time.sleep(1)
    assert list((tmp_path / "drill").iterdir()) == []


def test_stopping_without_background_traffic_is_an_error(
    send: Callable[..., dict], run: Callable[..., dict], server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send
    monkeypatch.setattr(traffic, "LONGEST_END", 0)
    result = run(drill_traffic, **server.connection, state="stopped")
    assert "there is no measurement" in result["msg"]
    assert not (tmp_path / "drill").exists()


def test_files_of_a_killed_drill_are_no_obstacle(
    send: Callable[..., dict], run: Callable[..., dict], server: Any, tmp_path: Path
) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / ".stop").touch()
    (tmp_path / "drill" / ".json").write_text("{}", encoding="utf-8")
    send(state="started", duration=60)
    time.sleep(0.5)
    assert run(drill_traffic, **server.connection, state="stopped")["calls"]


def test_a_refused_login_is_reported_before_the_background_traffic_begins(
    run: Callable[..., dict], server: Any
) -> None:
    server.answer = lambda *_call: (401, {"errors": [{"code": 1005, "title": "Access denied"}]}, {})
    assert run(drill_traffic, **server.connection, **OPTIONS, duration=1, state="started")["failed"]


def test_check_mode_sends_nothing(send: Callable[..., dict], server: Any) -> None:
    assert send(check_mode=True)["changed"]
    assert server.calls == []


def test_a_refused_login_is_an_error_without_the_password(run: Callable[..., dict], server: Any) -> None:
    server.answer = lambda *_call: (401, {"errors": [{"code": 1005, "title": "Access denied"}]}, {})
    result = run(drill_traffic, **server.connection, **OPTIONS, duration=1)
    assert result["failed"]
    assert "Access denied" in result["msg"]
    assert "Wanted-1" not in result["msg"]
