"""Delivers stored webhooks until the receiver answers 200 (docs/reference/vendor-contract.md#webhooks)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from ..client_tls import client_context
from ..control.ownership import Grant
from ..runtime.statistics import Statistics
from ..settings import ApplicationSettings
from ..store import webhook_queue
from ..store.engine import Database
from ..store.webhook_queue import StoredWebhook

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for one delivery
POLL = 0.5  # seconds between two queries for webhooks that are due again


def backoff(attempts: int, step: float, longest: float) -> float:
    """Return the seconds until the next attempt after `attempts` failed ones: linear, up to `longest`."""
    return min(attempts * step, longest)


class WebhookDelivery:
    """Delivers the webhooks of one shard."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], ApplicationSettings],
        grant: Grant,
        authority: Callable[[], str] = str,
        statistics: Statistics | None = None,
    ) -> None:
        """authority: returns the certificates, in PEM, that the receiver's must be signed by; "" accepts any. statistics: counts the attempts."""
        self.database, self.settings, self.authority = database, settings, authority
        self.shard, self.buckets = grant.shard, grant.buckets
        self.concurrency = settings().webhooks.max_concurrent_requests  # a change takes effect at the next start
        self.trusted = ""
        self.statistics = statistics or Statistics()
        self.woken = asyncio.Event()
        self.session: aiohttp.ClientSession | None = None

    def wake(self) -> None:
        """Query the stored webhooks now."""
        self.woken.set()

    async def deliver_batch(self) -> float:
        """Deliver webhooks that are due. Return the seconds until the next query."""
        settings = self.settings()
        if not settings.webhooks.url:
            return POLL
        session = await self.prepare_session()
        async with self.database.begin() as connection:
            due = await webhook_queue.read_due_webhooks(connection, self.buckets, self.concurrency)
        if not due:
            return POLL
        await self.deliver(session, due, settings)
        return 0

    async def prepare_session(self) -> aiohttp.ClientSession:
        """Return a session that trusts the configured authority; without one it accepts any certificate."""
        authority = self.authority()
        if self.session is not None and authority == self.trusted:
            return self.session
        await self.close()
        trust = client_context(cadata=authority) if authority else False
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), timeout=aiohttp.ClientTimeout(total=TIMEOUT)
        )
        self.trusted = authority
        return self.session

    async def deliver(
        self, session: aiohttp.ClientSession, due: list[StoredWebhook], settings: ApplicationSettings
    ) -> None:
        """Post webhooks concurrently, and store the results in one transaction."""
        problems = await asyncio.gather(
            *(self.post(session, settings.webhooks.url, webhook.payload) for webhook in due)
        )
        step, longest = settings.callback_backoff_delay_ms / 1000, settings.max_callback_backoff_delay_ms / 1000
        failed = [(webhook, problem) for webhook, problem in zip(due, problems, strict=True) if problem is not None]
        delivered = [webhook for webhook, problem in zip(due, problems, strict=True) if problem is None]
        async with self.database.begin() as connection:
            await webhook_queue.delete_webhooks(connection, [webhook.position for webhook in delivered])
            for webhook, _problem in failed:
                pause = backoff(webhook.attempts + 1, step, longest)
                await webhook_queue.postpone_webhook(connection, webhook, pause)
        if failed:
            webhook, problem = failed[0]
            log.warning(
                "shard %d: %d webhooks not delivered (%s); the next attempt for the first is in %.1f s",
                self.shard,
                len(failed),
                problem,
                backoff(webhook.attempts + 1, step, longest),
            )

    async def post(self, session: aiohttp.ClientSession, url: str, payload: dict[str, Any]) -> str | None:
        """Return the problem of a delivery, or None. A redirection is a problem too: following it would drop the body."""
        began, problem = time.monotonic(), None
        try:
            async with session.post(url, json=payload, allow_redirects=False) as response:
                if response.status != 200:
                    problem = f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            problem = type(error).__name__
        kind = "status_change" if "statuses" in payload else "inbound_message"
        result = "success" if problem is None else "failure"
        self.statistics.timed("callback_requests", time.monotonic() - began, type=kind, result=result)
        return problem

    async def close(self) -> None:
        """Close every connection."""
        if self.session is not None:
            await self.session.close()
