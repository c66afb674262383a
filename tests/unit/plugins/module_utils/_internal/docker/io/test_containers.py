# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.containers import (
    current_observation,
    last_check,
    last_lines,
)
from docker.errors import APIError, NotFound

CHECK = ["CMD", "healthcheck.sh"]


def container(
    status: str = "running", health: str | None = "starting", check: list[str] | None = None
) -> dict[str, Any]:
    state = {"Status": status, "ExitCode": 0, **({"Health": {"Status": health}} if health else {})}
    return {"Id": "c1", "State": state, "Config": {"Healthcheck": {"Test": check or CHECK}}}


class Engine:
    """Answers like the engine's API when a command is run in a container, and records the commands."""

    def __init__(self, exit_code: int) -> None:
        self.commands: list[list[str]] = []
        self.api = SimpleNamespace(
            exec_create=lambda _container, command: self.commands.append(command) or {"Id": "e1"},
            exec_start=lambda _run: b"",
            exec_inspect=lambda _run: {"ExitCode": exit_code},
        )


@pytest.mark.parametrize("health", ["starting", "unhealthy"])
@pytest.mark.parametrize(("exit_code", "observed"), [(0, "healthy"), (1, None)])
def test_a_current_observation_runs_the_health_check(health: str, exit_code: int, observed: str | None) -> None:
    engine = Engine(exit_code)
    assert current_observation(engine, container(health=health))["health"] == (observed or health)
    assert engine.commands == [["healthcheck.sh"]]


def test_a_shell_check_is_run_by_the_shell() -> None:
    engine = Engine(0)
    assert current_observation(engine, container(check=["CMD-SHELL", "test -e /ready"]))["health"] == "healthy"
    assert engine.commands == [["/bin/sh", "-c", "test -e /ready"]]


@pytest.mark.parametrize(
    "one", [container(health="healthy"), container(health=None), container(status="exited"), container(check=["NONE"])]
)
def test_no_check_is_run_when_health_is_known_or_unknowable(one: dict[str, Any]) -> None:
    engine = Engine(0)
    current_observation(engine, one)
    assert engine.commands == []


def test_a_removed_container_has_no_observation() -> None:
    assert current_observation(Engine(0), None) is None


class UnreadableLog:
    """Answers a request for a log with an error of the engine."""

    def __init__(self, error: Exception) -> None:
        self.api = SimpleNamespace(logs=self._fail)
        self._error = error

    def _fail(self, *_arguments: object, **_options: object) -> None:
        raise self._error


def test_an_unreadable_log_is_one_line_with_the_reason() -> None:
    (line,) = last_lines(UnreadableLog(APIError("configured logging driver does not support reading")), "c1", 20)
    assert line == "(Docker could not read the container's log: configured logging driver does not support reading)"
    assert last_lines(UnreadableLog(NotFound("No such container")), "c1", 20) == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            {"Health": {"Log": [{"Output": "unhealthy: first\n"}, {"Output": "unhealthy: no database\n"}]}},
            "no database",
        ),
        ({"Health": {"Log": []}}, ""),
        ({"Health": {"Log": None}}, ""),
        ({"Health": None}, ""),
        ({}, ""),
    ],
)
def test_the_last_health_check_is_read(state: dict[str, Any], expected: str) -> None:
    engine = SimpleNamespace(api=SimpleNamespace(inspect_container=lambda _name: {"State": state}))
    assert last_check(engine, "c1").removeprefix("unhealthy: ") == expected


def test_a_health_check_that_cannot_be_read_is_empty() -> None:
    def fail(_name: str) -> None:
        raise NotFound("No such container")

    assert last_check(SimpleNamespace(api=SimpleNamespace(inspect_container=fail)), "c1") == ""
