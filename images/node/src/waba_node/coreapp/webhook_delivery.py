"""Webhooks: delivered from the database, again and again until answered with 200 (source: vendor facts, section 2.12)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Callable

import aiohttp

from ..control.ownership import Grant
from ..runtime.statistics import Statistics
from ..settings import ApplicationSettings
from ..store import webhook_queue
from ..store.engine import Database
from ..store.webhook_queue import StoredWebhook

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds for one delivery
POLL = 0.5  # seconds: the shortest useful look for what has become due again


def backoff(attempts: int, step: float, longest: float) -> float:
    """Return the seconds until the next try after `attempts` failed ones: linear, up to a longest (vendor fact)."""
    return min(attempts * step, longest)


class Deliveries:
    """Delivers the webhooks of one shard."""

    def __init__(
        self,
        database: Database,
        settings: Callable[[], ApplicationSettings],
        grant: Grant,
        authority: Callable[[], str] = str,
        statistics: Statistics | None = None,
    ) -> None:
        """statistics: counts the deliveries. authority: gives the certificates, in PEM, that the receiver's must stem from; "" for any certificate at all."""
        self.database, self.settings, self.authority = database, settings, authority
        self.shard, self.buckets = grant.shard, grant.buckets
        self.at_once = settings().webhooks.max_concurrent_requests  # a change needs a restart (vendor fact)
        self.trusted = ""
        self.statistics = statistics or Statistics()
        self.woken = asyncio.Event()
        self.session: aiohttp.ClientSession | None = None

    def wake(self) -> None:
        """Look for stored webhooks now."""
        self.woken.set()

    async def deliver(self) -> None:
        """Deliver what is due, a group at a time, then wait for more."""
        settings = self.settings()
        self.woken.clear()
        due: list[StoredWebhook] = []
        if settings.webhooks.url:
            await self.prepare()
            async with self.database.begin() as connection:
                due = await webhook_queue.due_webhooks(connection, self.buckets, self.at_once)
        if due:
            await self.deliver_group(due, settings)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), POLL)

    async def prepare(self) -> None:
        """Have a session that trusts whom it should. Without an authority the receiver's certificate may be any (vendor fact)."""
        authority = self.authority()
        if self.session is not None and authority == self.trusted:
            return
        await self.close()
        trust = ssl.create_default_context(cadata=authority) if authority else False
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), timeout=aiohttp.ClientTimeout(total=TIMEOUT)
        )
        self.trusted = authority

    async def deliver_group(self, due: list[StoredWebhook], settings: ApplicationSettings) -> None:
        """Post webhooks at once, and store in one transaction what became of them."""
        problems = await asyncio.gather(*(self.post(settings.webhooks.url, webhook.payload) for webhook in due))
        step, longest = settings.callback_backoff_delay_ms / 1000, settings.max_callback_backoff_delay_ms / 1000
        failed = [(webhook, problem) for webhook, problem in zip(due, problems, strict=True) if problem is not None]
        delivered = [webhook for webhook, problem in zip(due, problems, strict=True) if problem is None]
        async with self.database.begin() as connection:
            await webhook_queue.webhooks_delivered(connection, [webhook.position for webhook in delivered])
            for webhook, _rest in failed:
                pause = backoff(webhook.attempts + 1, step, longest)
                await webhook_queue.webhook_failed(connection, webhook.position, pause)
        if failed:
            webhook, problem = failed[0]
            pause = backoff(webhook.attempts + 1, step, longest)
            log.warning(
                "shard %d: %d webhooks not delivered (%s); the first again in %.1f s",
                self.shard,
                len(failed),
                problem,
                pause,
            )

    async def post(self, url: str, payload: dict) -> str | None:
        """Return what went wrong, or None. A redirection is wrong too: following it would drop the content."""
        began, problem = time.monotonic(), None
        try:
            async with self.session.post(url, json=payload, allow_redirects=False) as response:
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
