"""The calls of the API: one module a resource, each with its table."""

from __future__ import annotations

from . import account, health, messages, settings, stats, users
from .table import CallTable

CALLS: CallTable = [
    *users.CALLS,
    *health.CALLS,
    *stats.CALLS,
    *settings.CALLS,
    *account.CALLS,
    *messages.CALLS,
]
