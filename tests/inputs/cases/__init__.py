"""Inventories that are refused, and each row of their table of problems, by subject.

A row is (host, setting, value, problem, fix). A host has as many invalid settings as possible: all are reported at once.
"""

from __future__ import annotations

from typing import Any

from . import cloud, hosts, members, settings
from .common import FIRST, TAKEN_PORT, TAKEN_RANGE, Case, row
from .groups import UNSEEN

__all__ = ["FIRST", "RUNS", "TAKEN_PORT", "TAKEN_RANGE", "UNSEEN", "Case", "row"]

RUNS: dict[str, dict[str, Any]] = {
    **settings.RUNS,
    **hosts.RUNS,
    **cloud.RUNS,
    **members.RUNS,
    **{name: {**run, "refused": []} for name, run in UNSEEN.items()},
}
