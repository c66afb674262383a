"""The calls of the API: one module per resource, each with its call table."""

from __future__ import annotations

from . import (
    account,
    backups,
    certificates,
    console,
    contacts,
    garbage_collection,
    health,
    media,
    messages,
    meta,
    profile,
    providers,
    retired,
    settings,
    stats,
    support,
    two_step,
    users,
)
from .table import CallTable

CALLS: CallTable = [
    *meta.CALLS,
    *users.CALLS,
    *health.CALLS,
    *stats.CALLS,
    *support.CALLS,
    *console.CALLS,
    *settings.CALLS,
    *providers.CALLS,
    *two_step.CALLS,
    *backups.CALLS,
    *profile.CALLS,
    *certificates.CALLS,
    *account.CALLS,
    *messages.CALLS,
    *contacts.CALLS,
    *media.CALLS,
    *garbage_collection.CALLS,
    *retired.CALLS,
]
