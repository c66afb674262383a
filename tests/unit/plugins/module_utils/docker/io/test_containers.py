# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.containers import last_lines, observation_now
from docker.errors import APIError, NotFound

CHECK = ["CMD", "healthcheck.sh"]


def container(status="running", health="starting", check=None):
    state = {"Status": status, "ExitCode": 0, **({"Health": {"Status": health}} if health else {})}
    return {"Id": "c1", "State": state, "Config": {"Healthcheck": {"Test": check or CHECK}}}


class Engine:
    """Answers as the engine's API does to the running of a command, and remembers the commands."""

    def __init__(self, exit_code):
        self.ran = []
        self.api = SimpleNamespace(
            exec_create=lambda _container, command: self.ran.append(command) or {"Id": "e1"},
            exec_start=lambda _run: b"",
            exec_inspect=lambda _run: {"ExitCode": exit_code},
        )


@pytest.mark.parametrize("health", ["starting", "unhealthy"])
@pytest.mark.parametrize(("exit_code", "seen"), [(0, "healthy"), (1, None)])
def test_who_waits_has_the_container_s_own_check_run(health, exit_code, seen):
    engine = Engine(exit_code)
    assert observation_now(engine, container(health=health))["health"] == (seen or health)
    assert engine.ran == [["healthcheck.sh"]]


def test_a_check_that_is_a_line_for_the_shell_is_given_to_the_shell():
    engine = Engine(0)
    assert observation_now(engine, container(check=["CMD-SHELL", "test -e /ready"]))["health"] == "healthy"
    assert engine.ran == [["/bin/sh", "-c", "test -e /ready"]]


@pytest.mark.parametrize(
    "one", [container(health="healthy"), container(health=None), container(status="exited"), container(check=["NONE"])]
)
def test_nothing_is_run_where_the_answer_is_known_or_nobody_can_give_it(one):
    engine = Engine(0)
    observation_now(engine, one)
    assert engine.ran == []


def test_a_container_that_is_gone_is_observed_as_such():
    assert observation_now(Engine(0), None) is None


class UnreadableLog:
    """An engine whose logging driver keeps nothing, and one without the container."""

    def __init__(self, error):
        self.api = SimpleNamespace(logs=self._fail)
        self._error = error

    def _fail(self, *_arguments, **_options):
        raise self._error


def test_a_log_that_cannot_be_read_is_a_line_with_the_reason():
    (line,) = last_lines(UnreadableLog(APIError("configured logging driver does not support reading")), "c1", 20)
    assert line == "(Docker could not read the container's log: configured logging driver does not support reading)"
    assert last_lines(UnreadableLog(NotFound("No such container")), "c1", 20) == []
