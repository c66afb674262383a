"""The calls of the API: one module a resource, each with its table."""

from __future__ import annotations

from . import account, health, messages, service, settings, stats, users
from .table import CallTable

CALLS: CallTable = [
    *service.CALLS,
    *users.CALLS,
    *health.CALLS,
    *stats.CALLS,
    *settings.CALLS,
    *account.CALLS,
    *messages.CALLS,
]
