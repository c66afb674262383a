"""The body of POST /v1/messages (docs/reference/vendor-contract.md#messages)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from ..errors import ApiError
from ..schema.common import END
from .common import Part, length
from .interactive import Interactive
from .location_and_contacts import ContactCards, Location
from .media import CaptionedMedia, Document, MediaReference
from .template import Hsm, Template

LARGEST_MESSAGE = 256 << 10  # bytes of JSON: one database statement stores many messages. Our decision.
LONGEST_TTL = 30 * 24 * 3600  # seconds, as long as the vendor's service stored a message. Our decision.

# A user without a phone number, which the Cloud API alone has
# (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
USER_ID = r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}"
# A number with its country code, in the notations that clients use (docs/reference/vendor-contract.md#known-client-behaviour), or a user id.
Recipient = Annotated[str, Meta(pattern=rf"^(\+?[0-9(][0-9 ().-]*|{USER_ID}){END}", max_length=135)]
Type = Literal[
    "text", "image", "video", "audio", "document", "sticker", "template", "hsm", "interactive", "location", "contacts"
]
MESSAGE_TYPES: tuple[str, ...] = get_args(Type)
WITHOUT_MEDIA = ("text", "location", "contacts", "hsm")


class Text(Part):
    """A text."""

    body: Annotated[str, length(4096)]


class Context(Part):
    """The message that this one replies to. It is not verified, because it may be older than the database. Our decision."""

    message_id: Annotated[str, length(255)]


class Message(Part):
    """A message of any type. It has the field of its own type and of no other type.

    ttl: seconds after which a message fails with 410 if the upstream has not confirmed it; unit and bounds are our decision.
    biz_opaque_callback_data: returned with every status.
    """

    to: Recipient
    type: Type = "text"
    recipient_type: str = "individual"
    preview_url: bool = False
    context: Context | None = None
    ttl: Annotated[int, Meta(ge=1, le=LONGEST_TTL)] | None = None
    biz_opaque_callback_data: Annotated[str, length(512, 0)] | None = None
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
            groups = "; groups were retired by the vendor" if self.recipient_type == "group" else ""
            raise ApiError(1002, f"recipient_type must be individual{groups}")
        if getattr(self, self.type) is None:
            raise ApiError(1008, f"{self.type} is missing in a message of type {self.type}")
        for other in MESSAGE_TYPES:
            if other != self.type and getattr(self, other) is not None:
                raise ApiError(1010, f"{other} is not allowed in a message of type {self.type}")


class MessageStatus(Struct):
    """The body of PUT /v1/messages/{id}."""

    status: Literal["read"]


def payload_of(message: Message, user_ids: bool = False) -> dict[str, Any]:
    """Return the payload that is stored and sent to the upstream. Raises ApiError: 1001 if the message is too large, 1009 for its recipient.

    user_ids: the recipient can be a user without a phone number.
    """
    if len(msgspec.json.encode(message)) > LARGEST_MESSAGE:
        raise ApiError(1001, f"the message has more than {LARGEST_MESSAGE} bytes")
    recipient = message.to
    if not (user_ids and is_user_id(recipient)):
        recipient = re.sub(r"[^0-9]", "", recipient)
        if is_user_id(message.to) or not 5 <= len(recipient) <= 15:
            raise ApiError(1009, "to must have 5 to 15 digits")
    given = msgspec.to_builtins(message)
    return {**given, "to": recipient, "type": message.type, "recipient_type": message.recipient_type}


def is_user_id(text: str) -> bool:
    """Return whether a text is the id of a user without a phone number."""
    return re.fullmatch(USER_ID, text) is not None


def media_of(message: Message) -> list[tuple[str, MediaReference]]:
    """Return (kind, reference) of every file that a message refers to."""
    if message.type in WITHOUT_MEDIA:  # most messages
        return []
    return list(_media_in(message))


def _media_in(part: Struct) -> Iterator[tuple[str, MediaReference]]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if isinstance(value, MediaReference):
            yield name, value
        elif isinstance(value, Struct):
            yield from _media_in(value)
        elif isinstance(value, list):
            for entry in value:
                if isinstance(entry, Struct):
                    yield from _media_in(entry)
