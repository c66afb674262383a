"""Webhooks: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks. Signed over the raw bytes, batched, repeated until the answer is 200."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from .behaviour import Behaviour
from .errors import GraphError

log = logging.getLogger(__name__)

WORKERS = 8  # webhooks that are posted at the same time
LONGEST_PAUSE = 60.0  # seconds between two attempts; Meta's grow further
LIFE = 7 * 86400  # seconds after which a webhook is dropped
CONNECTION_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


@dataclass(frozen=True)
class Callback:
    """A webhook address."""

    url: str
    verify_token: str


@dataclass(frozen=True)
class Update:
    """One change of a webhook."""

    field: str
    value: dict[str, Any]


@dataclass
class Batch:
    """The raw bytes of one webhook."""

    body: bytes
    updates: int
    created: float = field(default_factory=time.monotonic)
    attempts: int = 0


def encode(content: object) -> bytes:
    """Return JSON as Meta writes it: ASCII, with escaped slashes and at signs."""
    return json.dumps(content, separators=(",", ":")).replace("/", "\\/").replace("@", "\\u0040").encode()


def sign(secret: str, body: bytes) -> str:
    """Return the value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def assemble(updates: Iterable[Update], waba_id: str, style: str) -> dict[str, Any]:
    """Return the body with several updates: in one entry, in an entry each, or those of messages in one value."""
    changes = [{"value": update.value, "field": update.field} for update in updates]
    if style == "entries":
        entries = [{"id": waba_id, "changes": [change]} for change in changes]
        return {"object": "whatsapp_business_account", "entry": entries}
    if style == "values":
        changes = _merge(changes)
    return {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": changes}]}


def _merge(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes with the statuses and messages of one number in one value."""
    merged: dict[str, dict[str, Any]] = {}
    rest: list[dict[str, Any]] = []
    for change in changes:
        if change["field"] != "messages" or "metadata" not in change["value"]:
            rest.append(change)
            continue
        value = change["value"]
        into = merged.setdefault(
            value["metadata"]["phone_number_id"],
            {"value": {"messaging_product": "whatsapp", "metadata": value["metadata"]}, "field": "messages"},
        )["value"]
        for name in ("contacts", "messages", "statuses", "errors"):
            if name in value:
                into.setdefault(name, []).extend(value[name])
    return [*merged.values(), *rest]


class Webhooks:
    """Delivers updates to the address in force."""

    def __init__(
        self, behaviour: Callable[[], Behaviour], waba_id: str, app_secret: str, trust: ssl.SSLContext | bool
    ) -> None:
        """trust: False accepts any certificate, and http; Meta accepts neither."""
        self.behaviour, self.waba_id, self.app_secret, self.trust = behaviour, waba_id, app_secret, trust
        self.application: Callback | None = None
        self.account: Callback | None = None  # the override of the WABA
        self.number: Callback | None = None  # the override of the phone number
        self.subscribed = False  # the app to the WABA
        self.pending: deque[Update] = deque()
        self.retrying: set[asyncio.Task[None]] = set()
        self.counts = {"updates": 0, "dropped": 0, "posts": 0, "delivered": 0, "failed": 0, "expired": 0}
        self.last_failure = ""
        self.answer_times: deque[float] = deque(maxlen=10_000)  # seconds
        self.wakeup = asyncio.Event()
        self.workers: list[asyncio.Task[None]] = []
        self.session: aiohttp.ClientSession | None = None

    @property
    def target(self) -> Callback | None:
        """Return the address in force: that of the number, else of the WABA, else of the app."""
        return self.number or self.account or self.application

    def answer_time(self) -> dict[str, float]:
        """Return the median and others of the seconds that the receiver took to answer."""
        times = sorted(self.answer_times) or [0.0]
        shares = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
        return {name: round(times[min(int(len(times) * share), len(times) - 1)], 4) for name, share in shares.items()}

    def start(self) -> None:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self.trust, limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self.workers = [asyncio.create_task(self.work()) for _worker in range(WORKERS)]

    async def close(self) -> None:
        self.clear()
        for task in self.workers:
            task.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)
        if self.session is not None:
            await self.session.close()

    def clear(self) -> None:
        """Drop every webhook that waits, and the times of those before."""
        self.pending.clear()
        self.answer_times.clear()
        for task in list(self.retrying):
            task.cancel()

    def add(self, updates: Iterable[Update]) -> None:
        """Queue updates. Without a subscription Meta sends none."""
        for update in updates:
            self.counts["updates"] += 1
            if self.subscribed and self.target is not None:
                self.pending.append(update)
            else:
                self.counts["dropped"] += 1
        self.wakeup.set()

    async def deliver_now(self, updates: list[Update]) -> None:
        """Deliver updates before this returns; failed ones are repeated later."""
        self.counts["updates"] += len(updates)
        if self.subscribed and self.target is not None and updates:
            await self.post(self.batch_of(updates))

    def batch_of(self, updates: list[Update]) -> Batch:
        return Batch(encode(assemble(updates, self.waba_id, self.behaviour().batch_style)), len(updates))

    async def work(self) -> None:
        while True:
            behaviour = self.behaviour()
            if behaviour.hold_webhooks or not self.pending:
                self.wakeup.clear()
                await self.wakeup.wait()
                continue
            updates = [self.pending.popleft() for _update in range(min(behaviour.batch, len(self.pending)))]
            await self.post(self.batch_of(updates))

    async def post(self, batch: Batch) -> None:
        """Post a webhook; repeat it later if the answer is not 200."""
        behaviour, target, session = self.behaviour(), self.target, self.session
        assert session is not None
        if target is None:
            return
        batch.attempts += 1
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(self.app_secret, batch.body)}
        problem = ""
        for _copy in range(behaviour.webhook_copies):
            began = time.monotonic()
            self.counts["posts"] += 1
            try:
                timeout = aiohttp.ClientTimeout(total=behaviour.webhook_timeout)
                async with session.post(
                    target.url, data=batch.body, headers=headers, timeout=timeout, allow_redirects=False
                ) as response:
                    if response.status != 200:
                        problem = f"HTTP {response.status}"
            except CONNECTION_ERRORS as error:
                problem = str(error) or type(error).__name__
            self.answer_times.append(time.monotonic() - began)
        if not problem:
            self.counts["delivered"] += batch.updates
            return
        self.counts["failed"] += 1
        self.last_failure = problem
        if batch.attempts == 1:
            log.warning("a webhook with %d updates was not delivered to %s: %s", batch.updates, target.url, problem)
        if behaviour.retry and time.monotonic() - batch.created < LIFE:
            task = asyncio.create_task(self.repeat(batch, behaviour.retry_after * 2 ** (batch.attempts - 1)))
            self.retrying.add(task)
            task.add_done_callback(self.retrying.discard)
        else:
            self.counts["expired"] += batch.updates

    async def repeat(self, batch: Batch, pause: float) -> None:
        await asyncio.sleep(min(pause, LONGEST_PAUSE))
        await self.post(batch)

    async def verify(self, callback: Callback) -> None:
        """Require the challenge from an address. Raises GraphError 2200."""
        assert self.session is not None
        if len(callback.url) > 200:
            raise GraphError(100, "override_callback_uri has more than 200 characters")
        if not callback.url.startswith("https://" if self.trust else ("https://", "http://")):
            raise GraphError(100, "override_callback_uri must be an https URL")
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": callback.verify_token}
        try:
            timeout = aiohttp.ClientTimeout(total=self.behaviour().webhook_timeout)
            async with self.session.get(callback.url, params=query, timeout=timeout, allow_redirects=False) as response:
                answer = (await response.content.read(1000)).decode(errors="replace")
                problem = "" if response.status == 200 else f"HTTP Status Code = {response.status}"
        except CONNECTION_ERRORS as error:
            answer, problem = "", str(error) or type(error).__name__
        if not problem and answer != challenge:
            problem = "the response does not match the challenge"
        if problem:
            raise GraphError(2200, f"Callback verification failed with the following errors: {problem}")
