# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decide when a container is ready, and when to stop waiting for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_RESTARTS = 3  # a node may exit once or twice before the database answers; more restarts point to a lasting fault

READY, WAITING, FAILED = "ready", "waiting", "failed"


def readiness(observation: Mapping[str, Any] | None, restarts_before: int) -> tuple[str, str]:
    """Return (READY, WAITING or FAILED, explanation) for one container.

    observation: as from `docker.io.containers.observation`, None if the container does not exist: `status` (of the engine), `health` ("healthy",
    "unhealthy", "starting"; None if the image has no health check), `restarts` (by the engine), `exit_code`. restarts_before: the number of
    restarts when the wait began.
    """
    if observation is None:
        return FAILED, "it has no container any more"
    restarts = observation["restarts"] - restarts_before
    status, health = observation["status"], observation["health"]
    if restarts >= MAX_RESTARTS:
        return (
            FAILED,
            f"it keeps exiting: {restarts} restarts since the wait began, last exit code {observation['exit_code']}",
        )
    if status in ("exited", "dead", "removing"):
        return FAILED, f"it is {status}, exit code {observation['exit_code']}"
    if status != "running":
        return WAITING, f"it is {status}, last exit code {observation['exit_code']}"
    if health in (None, "healthy"):
        return READY, "it is running" + (" and healthy" if health else "")
    since = f" after {restarts} restart(s)" if restarts > 0 else ""
    return WAITING, f"it is running, but {health}{since}"
