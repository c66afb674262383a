"""What a connected coreapp talks to. `loopback` is the first of its kind; a real one keeps to the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class UpstreamError(Exception):
    """The upstream refused or failed; the message says why."""


class StaleEpoch(UpstreamError):
    """The upstream has seen a newer epoch for this shard: somebody else owns it."""


class WrongCode(UpstreamError):
    """The registration code is not the one that was sent."""


@dataclass(frozen=True)
class UpstreamEvent:
    """Something the upstream says. kind: sent, delivered, read, failed or inbound. timestamp: seconds since 1970.

    payload: of an inbound event, its webhook (vendor facts, section 2.12), ids of at most 128 characters; of a failed one, its `errors`.
    A file in a message that came in has a `reference` (at most 1024 characters) by which it can be downloaded, its `mime_type` and its
    `sha256` in hexadecimal.
    """

    message_id: str
    kind: str
    timestamp: int
    payload: dict = field(default_factory=dict)


class UpstreamSession(Protocol):
    """One live connection for one shard."""

    async def send(self, message_id: str, payload: dict) -> None:
        """Hand a message over. The same id twice is one message. Raises UpstreamError."""

    def events(self) -> AsyncIterator[UpstreamEvent]:
        """Yield what the upstream says, until the connection ends."""

    async def mark_read(self, message_id: str) -> None:
        """Tell the sender of a message that came in that it was read. A second time does no harm. Raises UpstreamError."""

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        """Return the WhatsApp ID of each number (digits with the country code), None for who has none. Raises UpstreamError."""

    async def identity(self, wa_id: str) -> str | None:
        """Return the hash of a user's identity as it is now, None when there is no such user. Raises UpstreamError."""

    def download(self, reference: str) -> AsyncIterator[bytes]:
        """Yield the content of a file that came in. Raises UpstreamError."""

    async def disconnect(self) -> None:
        """End the connection. Afterwards nothing is sent or received. Never raises; a second time does nothing."""


class Upstream(Protocol):
    """A messaging service."""

    requires_registration: bool

    async def register(self, cc: str, phone_number: str, method: str) -> None:
        """Ask for a registration code for a number. Raises UpstreamError."""

    async def verify(self, code: str) -> None:
        """Finish the registration. Raises WrongCode."""

    async def connect(self, shard: int, epoch: int) -> UpstreamSession:
        """Connect for a shard. Raises StaleEpoch when a newer epoch was seen, UpstreamError otherwise. Cancelled, it leaves no connection."""
