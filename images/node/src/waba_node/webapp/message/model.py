"""POST /v1/messages as a whole (vendor facts, section 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from ..errors import ApiError
from ..requests import Recipient
from .common import Part, text_type
from .interactive import Interactive
from .media import CaptionedMedia, Document, MediaReference
from .place_and_people import ContactCards, Location
from .template import Hsm, Template

LARGEST_MESSAGE = 256 << 10  # bytes of JSON: many messages share one statement of the database (ours)
LONGEST_TTL = 30 * 24 * 3600  # seconds (ours, as the vendor's service kept a message for 30 days)

Type = Literal[
    "text", "image", "video", "audio", "document", "sticker", "template", "hsm", "interactive", "location", "contacts"
]
MESSAGE_TYPES: tuple[str, ...] = get_args(Type)


class Text(Part):
    """A text."""

    body: text_type(4096)


class Context(Part):
    """Which message this one answers. It is not looked up: an id of before a restore is as good as any (ours)."""

    message_id: text_type(128)


class Message(Part):
    """A message of any type; the field of its own type, and of no other, must be there.

    ttl: seconds after which a message that the upstream has not confirmed fails with 410 (the unit and the bounds are ours).
    biz_opaque_callback_data: comes back with every status.
    """

    to: Recipient
    type: Type = "text"
    recipient_type: str = "individual"
    preview_url: bool = False
    context: Context | None = None
    ttl: Annotated[int, Meta(ge=1, le=LONGEST_TTL)] | None = None
    biz_opaque_callback_data: text_type(512, 0) | None = None
    text: Text | None = None
    image: CaptionedMedia | None = None
    video: CaptionedMedia | None = None
    audio: MediaReference | None = None
    document: Document | None = None
    sticker: MediaReference | None = None
    template: Template | None = None
    hsm: Hsm | None = None
    interactive: Interactive | None = None
    location: Location | None = None
    contacts: ContactCards | None = None

    def __post_init__(self) -> None:
        if self.recipient_type != "individual":
            groups = ": groups are gone, with the service" if self.recipient_type == "group" else ""
            raise ApiError(1002, f"recipient_type must be individual{groups}")
        if getattr(self, self.type) is None:
            raise ApiError(1008, f"{self.type} is missing in a message of type {self.type}")
        for other in MESSAGE_TYPES:
            if other != self.type and getattr(self, other) is not None:
                raise ApiError(1010, f"{other} does not belong into a message of type {self.type}")


class MessageStatus(Struct):
    """PUT /v1/messages/{id}."""

    status: Literal["read"]


def payload_of(message: Message) -> dict[str, Any]:
    """Return what is stored and handed to the upstream. Raises ApiError 1001 for what is too long as a whole."""
    if len(msgspec.json.encode(message)) > LARGEST_MESSAGE:
        raise ApiError(1001, f"the message has more than {LARGEST_MESSAGE} bytes")
    given = msgspec.to_builtins(message)
    return {**given, "to": message.to.lstrip("+"), "type": message.type, "recipient_type": message.recipient_type}


def media_of(message: Message) -> list[tuple[str, MediaReference]]:
    """Return every file that a message speaks of, with its kind."""
    if message.type in ("text", "location", "contacts", "hsm"):  # the way of most messages
        return []
    return list(_media(message))


def _media(part: Struct) -> Iterator[tuple[str, MediaReference]]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, MediaReference):
            yield name, value
        elif isinstance(value, Struct):
            yield from _media(value)
        elif isinstance(value, list):
            for entry in value:
                if isinstance(entry, Struct):
                    yield from _media(entry)
