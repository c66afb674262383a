"""The built-in upstream for rehearsals: it accepts every message and reports it as sent, then as delivered. Nothing leaves the machine.

The statuses have increasing timestamps, and conversation and pricing as the vendor's service sent them.

It answers a message whose biz_opaque_callback_data is `loopback:answer` with an inbound message of the same content.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from .account import Registration, UpstreamAccount
from .base import StaleEpoch, UpstreamError, UpstreamEvent, WrongCode

CODE = "123456"  # the registration code of every number, since no number can receive one
ANSWER = "loopback:answer"
OWN_NUMBER = "15550100000"  # of a cluster without a registered number
DAY = 24 * 3600  # seconds: the length of a conversation
ANSWERED = ("text", "location", "contacts")  # types that an answer returns unchanged
FILES = {  # type -> content type and content of the file in an answer
    "image": (
        "image/png",
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
        ),
    ),
    "document": ("text/plain", b"This is a rehearsal.\n"),
}


class LoopbackSession:
    """A connection that answers itself."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[UpstreamEvent | None] = asyncio.Queue()
        self.seen: set[str] = set()
        self.open = True

    async def send(self, message_id: str, payload: dict[str, Any]) -> None:
        self.require_open()
        if message_id not in self.seen:
            self.seen.add(message_id)
            now = int(time.time())
            billing = billing_of(payload["to"], now)
            for delay, kind in enumerate(("sent", "delivered")):
                self.queue.put_nowait(UpstreamEvent(message_id, kind, now + delay, billing))
            if payload.get("biz_opaque_callback_data") == ANSWER and payload["type"] in (*ANSWERED, *FILES):
                self.queue.put_nowait(answer_to(message_id, payload, now + 1))

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        while (event := await self.queue.get()) is not None:
            yield event
            if event.kind == "delivered":
                self.seen.discard(event.message_id)

    async def mark_read(self, message_id: str) -> None:  # noqa: ARG002 - the interface has it
        self.require_open()

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        """Report every number as valid, as the vendor's service does since v2.43."""
        self.require_open()
        return {number: number for number in numbers}

    async def identity(self, wa_id: str) -> str:
        self.require_open()
        return base64.b64encode(hashlib.sha256(wa_id.encode()).digest()[:8]).decode()

    async def download(self, reference: str) -> AsyncIterator[bytes]:
        self.require_open()
        if reference not in FILES:
            raise UpstreamError("there is no such file")
        yield FILES[reference][1]

    def require_open(self) -> None:
        if not self.open:
            raise UpstreamError("the connection is closed")

    async def disconnect(self) -> None:
        self.open = False
        self.queue.put_nowait(None)


def billing_of(recipient: str, now: int) -> dict[str, Any]:
    """Return `conversation` and `pricing` of a status. A recipient has one conversation a day."""
    day = now // DAY
    conversation = {
        "id": hashlib.sha256(f"{recipient} {day}".encode()).hexdigest()[:32],
        "expiration_timestamp": str((day + 1) * DAY),
        "origin": {"type": "business_initiated"},
    }
    pricing = {"pricing_model": "CBP", "billable": False, "category": "business_initiated"}
    return {"conversation": conversation, "pricing": pricing}


def answer_to(message_id: str, payload: dict[str, Any], now: int) -> UpstreamEvent:
    """Return an inbound message from the recipient of a sent one, with its content."""
    answer_id, sender = f"ABGG{secrets.token_urlsafe(15)}", payload["to"]
    message = {
        "from": sender,
        "id": answer_id,
        "timestamp": str(now),
        "type": payload["type"],
        payload["type"]: received_file(payload) if payload["type"] in FILES else payload[payload["type"]],
        "context": {"from": OWN_NUMBER, "id": message_id},
    }
    contact = {"profile": {"name": "Rehearsal"}, "wa_id": sender}
    return UpstreamEvent(answer_id, "inbound", now, {"contacts": [contact], "messages": [message]})


def received_file(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an inbound message with a file."""
    content_type, content = FILES[payload["type"]]
    caption = payload[payload["type"]].get("caption")
    content_fields = {
        "reference": payload["type"],
        "mime_type": content_type,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return content_fields if caption is None else {**content_fields, "caption": caption}


class Loopback:
    """The upstream of rehearsals."""

    requires_registration = False
    idempotent = True
    account: UpstreamAccount | None = None

    def __init__(self) -> None:
        self.epochs: dict[int, int] = {}

    async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:  # noqa: ARG002
        """Accept any number."""
        return Registration()

    async def verify(self, code: str) -> None:
        if code.replace("-", "") != CODE:
            raise WrongCode("the code is not the one that was sent")

    async def connect(self, shard: int, epoch: int) -> LoopbackSession:
        if epoch < self.epochs.get(shard, 0):
            raise StaleEpoch(f"shard {shard} was connected with epoch {self.epochs[shard]}, {epoch} is older")
        self.epochs[shard] = epoch
        return LoopbackSession()
