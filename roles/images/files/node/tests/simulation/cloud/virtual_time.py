"""Stands for the module `time` in the node's modules: the clock of the process that runs."""

from __future__ import annotations

import asyncio


def monotonic() -> float:
    """Return the reading of the process's clock in seconds."""
    return asyncio.get_running_loop().time()


time = monotonic
