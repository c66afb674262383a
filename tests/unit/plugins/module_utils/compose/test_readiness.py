# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.readiness_wait import wait_until_ready
from ansible_collections.waba.cluster.plugins.module_utils.compose.readiness import FAILED, READY, WAITING, readiness


def seen(status="running", health="healthy", restarts=0, exit_code=0):
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
def test_a_container_is_ready_when_it_runs_and_is_healthy(observation, verdict):
    assert readiness(observation, restarts_before=0)[0] == verdict


def test_restarts_of_former_days_do_not_count():
    assert readiness(seen(restarts=7), restarts_before=7)[0] == READY


class World:
    """Time that only sleeping moves, and one observation a look; the last one stays."""

    def __init__(self, *looks):
        self.looks, self.now = list(looks), 0.0

    def observe(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def wait(self, timeout):
        return wait_until_ready(self.observe, timeout, clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds):
        self.now += seconds


def test_waiting_ends_when_all_are_ready():
    starting = {"one": seen(), "two": seen(health="starting")}
    world = World(starting, starting, starting, {"one": seen(), "two": seen()})
    assert world.wait(60) == {}
    assert world.now < 60


def test_waiting_ends_at_once_when_one_keeps_exiting():
    world = World({"one": seen("restarting", restarts=4)}, {"one": seen("restarting", restarts=7, exit_code=3)})
    unready = world.wait(60)
    assert "exit code 3" in unready["one"]
    assert world.now == 0


def test_waiting_ends_with_the_time_and_the_last_observation():
    world = World({"one": seen(), "two": seen(health="unhealthy")})
    unready = world.wait(60)
    assert list(unready) == ["two"]
    assert "unhealthy" in unready["two"]
    assert world.now >= 60
