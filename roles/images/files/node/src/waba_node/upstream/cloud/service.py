"""Meta's Cloud API as an upstream: what a coreapp connects to."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...config import CloudConfig
from ...control.sharding import BUCKETS
from ..account import Registration, UpstreamAccount
from ..base import DeliveryPolicy, Library, Unusable, UpstreamError, UpstreamEvent
from .account import CloudAccount
from .graph import GraphClient
from .links import LinkFetcher
from .session import CloudSession, probe
from .translation import webhooks
from .translation.number import LOWEST_RATE, level_of, rate_of, restriction_of
from .translation.webhooks import Update

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CloudUpdate:
    """An update of a webhook: see upstream.base.ParsedUpdate."""

    update: Update

    @property
    def references(self) -> Collection[str]:
        """Return the ids at Meta of messages that may be the cluster's."""
        return webhooks.referenced_wamids(self.update)

    @property
    def status_of(self) -> str:
        """Return the id at Meta of the message whose status this is, "" for any other update."""
        return self.update.wamid if self.update.kind == "status" else ""

    @property
    def message(self) -> tuple[int, str] | None:
        """Return bucket and id of the message whose status this is, from the correlation id."""
        correlated = webhooks.parse_correlation_id(self.update.callback_data) if self.status_of else None
        return correlated if correlated is not None and correlated[0] < BUCKETS else None

    @property
    def identity(self) -> tuple[str, str] | None:
        """Return the user and the hash of its identity, None where the update has none."""
        return webhooks.identity(self.update)

    def events(self, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
        """Return the events of the update."""
        return webhooks.to_events(self.update, message_ids)


class CloudService:
    """The number of a cluster at Meta. It enforces no epoch: the claims of the coreapps do."""

    requires_registration = False
    idempotent = False

    def __init__(self, config: CloudConfig, library: Library | None) -> None:
        """library: None for a node that sends no messages."""
        self.config, self.library = config, library
        self.cloud_account = CloudAccount(config)
        self.account: UpstreamAccount | None = self.cloud_account
        self.policy = DeliveryPolicy(config.rate or LOWEST_RATE, config.grace, config.uncertain == "resend")
        self.rate_level = self.restriction = ""

    async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:
        """Register the configured number, or request a code for `verify`."""
        return await self.cloud_account.register(cc, phone_number, method, pin)

    async def verify(self, code: str) -> None:
        """Verify the number with a code, and register it."""
        await self.cloud_account.verify(code)

    async def connect(self, shard: int, epoch: int) -> CloudSession:  # noqa: ARG002 - Meta has neither
        """Return a session after a successful probe of the number with the token. Raises Unusable, UpstreamError."""
        if self.library is None:
            raise UpstreamError("this node sends no messages")
        client = GraphClient.configured(self.config)
        try:
            self.observe(await probe(client))
            own_addresses = await self.library.find_addresses()
        except (Unusable, UpstreamError, asyncio.CancelledError):
            await client.close()
            raise
        except Exception as error:
            await client.close()
            raise UpstreamError(f"{type(error).__name__}: {error}") from error
        links = LinkFetcher(self.config.link_hosts, own_addresses, proxy=self.config.proxy)
        return CloudSession(self.config, client, self.library, links, self.observe)

    def observe(self, number: Mapping[str, Any]) -> None:
        """Follow the throughput level of the number, unless a rate is configured, and report a restriction."""
        level, restriction = level_of(number), restriction_of(number)
        if level != self.rate_level:
            self.rate_level = level
            self.policy = replace(self.policy, rate=self.config.rate or rate_of(level))
            log.info("the number has the throughput level %s: %d messages per second", level, self.policy.rate)
        if restriction != self.restriction:
            self.restriction = restriction
            log.warning("%s", restriction or "Meta restricts the number no longer")

    def parse_update(self, content: str) -> CloudUpdate:
        """Return a stored update. Raises ValueError."""
        try:
            return CloudUpdate(Update(**json.loads(content)))
        except TypeError as error:
            raise ValueError(f"not an update: {error}") from error
