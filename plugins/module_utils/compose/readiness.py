# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a container counts as ready, and when waiting longer is of no use (rules: ours)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_RESTARTS = 3  # a node may lose a race for the database once or twice; one that goes on exiting will not fix itself

READY, WAITING, FAILED = "ready", "waiting", "failed"


def readiness(observation: Mapping[str, Any] | None, restarts_before: int) -> tuple[str, str]:
    """Return (READY, WAITING or FAILED, text for people) for one container.

    observation: dict, or None when there is no container: `status` (the engine's), `health` ("healthy", "unhealthy", "starting", None when
    the image has no health check), `restarts` (int, how often the engine restarted it), `exit_code` (int). restarts_before: int, the
    restarts when the waiting began.
    """
    if observation is None:
        return FAILED, "it has no container any more"
    restarts = observation["restarts"] - restarts_before
    status, health = observation["status"], observation["health"]
    if restarts >= MOST_RESTARTS:
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
