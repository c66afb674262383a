"""The interface of a messaging service. Every implementation keeps these promises."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .account import Registration, UpstreamAccount


class UpstreamError(Exception):
    """The upstream refused or failed; the message says why."""


class StaleEpoch(UpstreamError):
    """The upstream has seen a newer epoch for this shard: another process owns it."""


class WrongCode(UpstreamError):
    """The registration code is not the one that was sent."""


class Refused(UpstreamError):
    """The upstream refused a message for good. errors: for the client, as in a `failed` status."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors[0].get("title", "refused")) if errors else "refused")
        self.errors = errors


class Scope(enum.StrEnum):
    """The messages that a NotSent holds back."""

    MESSAGE = "message"
    RECIPIENT = "recipient"
    NUMBER = "number"


class NotSent(UpstreamError):
    """Nothing was sent; the message may be sent again. retry_after: seconds, None without a demand of the upstream."""

    def __init__(self, reason: str, scope: Scope = Scope.MESSAGE, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.scope, self.retry_after = scope, retry_after


class Uncertain(UpstreamError):
    """A message may have been sent: no usable answer came."""


class Unusable(UpstreamError):
    """The upstream refuses this cluster as a whole, for example its token or its number. Nothing was sent; the connection ends."""


@dataclass(frozen=True)
class HandedOver:
    """The upstream has accepted a message. upstream_id: its own id of it. wa_id: of the recipient, None where the answer has none."""

    upstream_id: str
    wa_id: str | None = None


@dataclass(frozen=True)
class UpstreamEvent:
    """An event of the upstream. kind: sent, delivered, read, failed or inbound. timestamp: seconds since 1970.

    payload: of an inbound event, its webhook (docs/reference/vendor-contract.md#webhooks), with users of at most 135 characters; of a failed
    one, its `errors`. A file in an inbound message has a `reference` for its download (at most 1024 characters), its `mime_type` (255) and
    its `sha256` in hexadecimal.
    """

    message_id: str
    kind: str
    timestamp: int
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryPolicy:
    """How messages go to an upstream whose sends are not idempotent (docs/adr/0024-claim-before-cloud-post.md).

    rate: messages per second of the whole cluster. grace: seconds for which a message may be uncertain. resend: send it again then; otherwise it
    fails.
    """

    rate: float
    grace: float
    resend: bool = False


class ParsedUpdate(Protocol):
    """An update that the upstream posted to a webapp."""

    @property
    def references(self) -> Collection[str]:
        """Return the upstream's ids of messages that may be the cluster's and that the update refers to."""

    @property
    def status_of(self) -> str:
        """Return the upstream's id of the message whose status this is, "" for any other update."""

    @property
    def message(self) -> tuple[int, str] | None:
        """Return bucket and id of the message whose status this is, where the update itself names them."""

    @property
    def identity(self) -> tuple[str, str] | None:
        """Return a user and the hash of its identity, None where the update has none."""

    def events(self, message_ids: Mapping[str, str]) -> list[UpstreamEvent]:
        """Return the events of the update. message_ids: the upstream's id -> the cluster's, of `references`."""


@dataclass(frozen=True)
class OpenedFile:
    """A stored file to be uploaded. size: bytes, None if unknown."""

    mime_type: str
    size: int | None
    content: AsyncIterator[bytes]


class Library(Protocol):
    """The data of the cluster that an upstream may use. Every method but `count` raises the errors of the database or of the media folder."""

    async def find_upstream_id(self, message_id: str) -> str | None:
        """Return the upstream's id of a message that was sent, or None."""

    async def find_upload(self, source: str, seconds: int) -> tuple[str, str] | None:
        """Return the upstream's id and the content type of an upload that is at most so many seconds old, or None."""

    async def record_upload(self, source: str, upstream_id: str, mime_type: str) -> None:
        """Record an upload."""

    async def forget_upload(self, source: str, upstream_id: str) -> None:
        """Forget an upload that the upstream does not know any more. A later one of the same source stays."""

    def open_file(self, media_id: str) -> AbstractAsyncContextManager[OpenedFile | None]:
        """Open one of the cluster's media; None when it does not exist."""

    async def find_provider(self, name: str) -> Mapping[str, Any] | None:
        """Return the settings of a media provider, or None."""

    async def find_identity(self, wa_id: str) -> str | None:
        """Return the hash of a user's identity that was seen last, or None."""

    async def find_wa_ids(self, numbers: Collection[str]) -> Mapping[str, str | None]:
        """Return number -> WhatsApp ID of the numbers for which one is known."""

    async def find_addresses(self) -> Collection[str]:
        """Return the addresses of the cluster's hosts."""

    def count(self, name: str, **labels: str) -> None:
        """Increase a counter of the node."""


class UpstreamSession(Protocol):
    """One live connection for one shard."""

    async def send(self, message_id: str, payload: dict[str, Any]) -> HandedOver | None:
        """Send a message. Raises UpstreamError.

        With an idempotent upstream the same id twice is one message, and the result is None. Any other upstream sends every call: it returns
        HandedOver, or raises Refused, NotSent, Uncertain or Unusable. A cancelled call may have sent the message.
        """

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
    idempotent: bool  # whether the same message id twice is one message, and an older epoch is refused
    account: UpstreamAccount | None  # None: the database has profile and PIN

    async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:
        """Request a registration code for a number, where it needs one. Raises Refused, UpstreamError. pin: of the client, or None."""

    async def verify(self, code: str) -> None:
        """Finish the registration. Raises WrongCode, Refused, UpstreamError."""

    async def connect(self, shard: int, epoch: int) -> UpstreamSession:
        """Connect for a shard. Raises StaleEpoch after a newer epoch, UpstreamError otherwise. A cancelled call leaves no connection."""


class UpdatingUpstream(Upstream, Protocol):
    """A messaging service whose sends are not idempotent, and that posts its updates to the webapps.

    policy, rate_level, restriction: the present ones, which may change while a session exists. rate_level: the service's name for the rate
    that it grants, "" if it has none. restriction: why the service restricts the cluster although it is connected, "" if it does not.
    """

    policy: DeliveryPolicy
    rate_level: str
    restriction: str

    def parse_update(self, content: str) -> ParsedUpdate:
        """Return a stored update. Raises ValueError."""
