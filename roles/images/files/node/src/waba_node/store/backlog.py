"""The length and the age of the queues, by queries whose cost does not grow with the queues. Times are the database's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from .deliveries import UNCERTAIN, delivery
from .metadata import NOW, read_time
from .outbox import ACCEPTED, message
from .updates import received_update
from .webhook_queue import webhook

COUNTED = 10_000  # rows of a queue that are counted at most


class Backlog(NamedTuple):
    """The rows of a queue. more: there are more rows than `waiting`. oldest: age of the oldest one in seconds, None if not known."""

    waiting: int
    more: bool
    oldest: float | None


async def read_backlogs(connection: AsyncConnection) -> dict[str, Backlog]:
    """Return queue -> backlog: `outbox`, `uncertain`, `webhooks`, `updates` and `set_aside`."""
    return {
        "outbox": await _backlog(connection, message.c.accepted_at, message.c.status == ACCEPTED, message.c.position),
        "uncertain": await _backlog(
            connection, delivery.c.changed_at, delivery.c.state == UNCERTAIN, delivery.c.changed_at
        ),
        "webhooks": await _webhooks(connection),
        "updates": await _updates(connection, received_update.c.due_at.is_not(None)),
        "set_aside": await _updates(connection, received_update.c.due_at.is_(None)),
    }


async def _backlog(
    connection: AsyncConnection, since: sa.Column[Any], waits: sa.ColumnElement[bool], order: sa.Column[Any]
) -> Backlog:
    """Return the rows that wait. since: when a row was stored. order: the order of an index that begins with what `waits` compares."""
    waiting, more = await _count(connection, sa.select(order).where(waits))
    first = sa.select(_age(since)).where(waits).order_by(order).limit(1)
    oldest = (await connection.execute(first)).scalar_one_or_none()
    return Backlog(waiting, more, None if oldest is None else oldest / 1e6)


async def _updates(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> Backlog:
    """Return the updates for which a condition holds. No index has their age, so it is that of the oldest of those counted."""
    counted = sa.select(received_update.c.received_at).where(condition).limit(COUNTED + 1).subquery()
    query = sa.select(sa.func.count(), sa.func.max(_age(counted.c.received_at)))
    waiting, oldest = (await connection.execute(query)).one()
    return Backlog(min(waiting, COUNTED), waiting > COUNTED, None if oldest is None else float(oldest) / 1e6)


async def _webhooks(connection: AsyncConnection) -> Backlog:
    """Return the webhooks that wait. The age is that of the oldest one's event, by the clock of the upstream that reported it."""
    waiting, more = await _count(connection, sa.select(webhook.c.position))
    first = sa.select(webhook.c.payload).order_by(webhook.c.position).limit(1)
    payload = (await connection.execute(first)).scalar_one_or_none()
    event = None if payload is None else event_time(json.loads(payload))
    return Backlog(waiting, more, None if event is None else max(0.0, await read_time(connection) - event))


async def _count(connection: AsyncConnection, rows: sa.Select[Any]) -> tuple[int, bool]:
    """Return the number of rows, at most COUNTED, and whether there are more."""
    some = rows.limit(COUNTED + 1).subquery()
    number = (await connection.execute(sa.select(sa.func.count()).select_from(some))).scalar_one()
    return min(number, COUNTED), number > COUNTED


def _age(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.func.timestampdiff(sa.text("MICROSECOND"), moment, NOW)


def event_time(payload: Mapping[str, Any]) -> float | None:
    """Return when the event of a webhook happened, seconds since 1970; None where the webhook does not say so."""
    for name in ("statuses", "messages"):
        events = payload.get(name)
        if isinstance(events, list) and events and isinstance(events[0], dict):
            text = str(events[0].get("timestamp", ""))
            if text.isascii() and text.isdigit():
                return float(text)
    return None
