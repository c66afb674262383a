"""Waiting for a condition, in scenarios and measurements."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until a condition holds; return the seconds until then. Raises TimeoutError with `what`.

    A failed request and an unexpected answer count as "not yet"; the last such error is the cause of the TimeoutError.
    """
    began = time.monotonic()
    last: Exception | None = None
    while time.monotonic() - began < seconds:
        try:
            if condition():
                return time.monotonic() - began
        except (requests.RequestException, ValueError, KeyError) as error:
            last = error
        time.sleep(0.1)
    raise TimeoutError(f"not within {seconds:.0f} s: {what}") from last
