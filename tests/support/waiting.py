"""Waiting for what takes its time, in scenarios and measurements."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until a condition holds and return the seconds that took. Raises TimeoutError with what was waited for.

    No answer, and an answer of another shape, count as not yet; the last such error is told as the cause.
    """
    began, last = time.monotonic(), None
    while time.monotonic() - began < seconds:
        try:
            if condition():
                return time.monotonic() - began
        except (requests.RequestException, ValueError, KeyError) as error:
            last = error
        time.sleep(0.1)
    raise TimeoutError(f"not within {seconds:.0f} s: {what}") from last
