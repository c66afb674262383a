"""The node's own clock."""

from __future__ import annotations

import time


def now() -> float:
    """Return seconds since some moment, by a clock that nobody sets and that also goes on while the machine sleeps.

    `time.monotonic` stands still then: a right that another node has long been given would seem fresh on waking.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
