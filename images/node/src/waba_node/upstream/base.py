"""The interface of a messaging service. Every implementation keeps these promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol


class UpstreamError(Exception):
    """The upstream refused or failed; the message says why."""


class StaleEpoch(UpstreamError):
    """The upstream has seen a newer epoch for this shard: another process owns it."""


class WrongCode(UpstreamError):
    """The registration code is not the one that was sent."""


@dataclass(frozen=True)
class UpstreamEvent:
    """An event of the upstream. kind: sent, delivered, read, failed or inbound. timestamp: seconds since 1970.

    payload: of an inbound event, its webhook (docs/reference/vendor-contract.md#webhooks), with ids of at most 128 characters; of a failed
    one, its `errors`. A file in an inbound message has a `reference` for its download (at most 1024 characters), its `mime_type` and its
    `sha256` in hexadecimal.
    """

    message_id: str
    kind: str
    timestamp: int
    payload: dict[str, Any] = field(default_factory=dict)


class UpstreamSession(Protocol):
    """One live connection for one shard."""

    async def send(self, message_id: str, payload: dict[str, Any]) -> None:
        """Send a message. The same id twice is one message. Raises UpstreamError."""

    def events(self) -> AsyncIterator[UpstreamEvent]:
        """Yield events until the connection ends. Raises UpstreamError when the upstream ended it."""

    async def mark_read(self, message_id: str) -> None:
        """Send a read receipt for an inbound message. A repetition does no harm. Raises UpstreamError."""

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        """Return the WhatsApp ID of each number (digits with the country code), None where there is none. Raises UpstreamError."""

    async def identity(self, wa_id: str) -> str | None:
        """Return the hash of a user's present identity, None when there is no such user. Raises UpstreamError."""

    def download(self, reference: str) -> AsyncIterator[bytes]:
        """Yield the content of a received file. Raises UpstreamError."""

    async def disconnect(self) -> None:
        """End the connection. Afterwards nothing is sent or received. Never raises; a repetition does nothing."""


class Upstream(Protocol):
    """A messaging service."""

    requires_registration: bool

    async def register(self, cc: str, phone_number: str, method: str) -> None:
        """Request a registration code for a number. Raises UpstreamError."""

    async def verify(self, code: str) -> None:
        """Finish the registration. Raises WrongCode."""

    async def connect(self, shard: int, epoch: int) -> UpstreamSession:
        """Connect for a shard. Raises StaleEpoch after a newer epoch, UpstreamError otherwise. A cancelled call leaves no connection."""
