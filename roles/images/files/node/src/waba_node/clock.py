"""The node's own clock."""

from __future__ import annotations

import time


def now() -> float:
    """Return seconds by a clock that is never set and that also runs while the machine sleeps.

    `time.monotonic` stops then: a right that another node has obtained meanwhile would seem fresh after the machine resumes.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
