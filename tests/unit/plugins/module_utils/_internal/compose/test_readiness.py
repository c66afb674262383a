# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.readiness_wait import wait_until_ready
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.readiness import (
    FAILED,
    READY,
    WAITING,
    readiness,
)


def seen(
    status: str = "running", health: str | None = "healthy", restarts: int = 0, exit_code: int = 0
) -> dict[str, Any]:
    return {"status": status, "health": health, "restarts": restarts, "exit_code": exit_code}


@pytest.mark.parametrize(
    ("observation", "verdict"),
    [
        (seen(), READY),
        (seen(health=None), READY),
        (seen(health="starting"), WAITING),
        (seen(health="unhealthy"), WAITING),
        (seen("restarting", restarts=1), WAITING),
        (seen("created"), WAITING),
        (seen("paused"), WAITING),
        (seen(restarts=3), FAILED),
        (seen("exited", exit_code=3), FAILED),
        (None, FAILED),
    ],
)
def test_a_container_is_ready_when_it_runs_and_is_healthy(observation: dict[str, Any] | None, verdict: str) -> None:
    assert readiness(observation, restarts_before=0)[0] == verdict


def test_restarts_before_the_wait_do_not_count() -> None:
    assert readiness(seen(restarts=7), restarts_before=7)[0] == READY


class World:
    """A clock that only sleep advances, and a sequence of observations whose last one repeats."""

    def __init__(self, *observations: Any) -> None:
        self.observations, self.now = list(observations), 0.0

    def observe(self) -> dict[str, Any]:
        return self.observations.pop(0) if len(self.observations) > 1 else self.observations[0]

    def wait(self, timeout: float) -> dict[str, str]:
        return wait_until_ready(self.observe, timeout, clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_wait_ends_when_all_are_ready() -> None:
    starting = {"one": seen(), "two": seen(health="starting")}
    world = World(starting, starting, starting, {"one": seen(), "two": seen()})
    assert world.wait(60) == {}
    assert world.now < 60


def test_the_wait_ends_at_once_when_a_container_keeps_exiting() -> None:
    world = World({"one": seen("restarting", restarts=4)}, {"one": seen("restarting", restarts=7, exit_code=3)})
    unready = world.wait(60)
    assert "exit code 3" in unready["one"]
    assert world.now == 0


def test_the_wait_times_out_with_the_last_observation() -> None:
    world = World({"one": seen(), "two": seen(health="unhealthy")})
    unready = world.wait(60)
    assert list(unready) == ["two"]
    assert "unhealthy" in unready["two"]
    assert world.now >= 60
