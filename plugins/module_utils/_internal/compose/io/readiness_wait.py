# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until containers are ready, have failed, or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.readiness import (
    FAILED,
    READY,
    WAITING,
    readiness,
)

INTERVAL = 0.5  # seconds between observations; observing six containers takes about 20 ms


def wait_until_ready(
    observe: Callable[[], Mapping[str, Mapping[str, Any] | None]],
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Observe containers until all are ready, one has failed, or the time is up.

    observe: returns {service: observation or None}, see `compose.readiness`. timeout: seconds.
    Returns {service: explanation} of the containers that are not ready; empty if all are.
    """
    deadline = clock() + timeout
    before = {service: seen["restarts"] if seen else 0 for service, seen in observe().items()}
    while True:
        verdicts = {service: readiness(seen, before.get(service, 0)) for service, seen in observe().items()}
        states = {verdict for verdict, _text in verdicts.values()}
        if states <= {READY}:
            return {}
        if FAILED in states or clock() >= deadline:
            note = {FAILED: "", WAITING: "" if FAILED in states else f", after {timeout} s"}
            return {service: text + note[verdict] for service, (verdict, text) in verdicts.items() if verdict != READY}
        sleep(INTERVAL)
