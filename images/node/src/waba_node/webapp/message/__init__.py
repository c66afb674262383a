"""Messages that a client can send: one type per kind of message, validated before anything else happens."""

from .media import MediaReference, check_media_limits
from .model import LARGEST_MESSAGE, MESSAGE_TYPES, Message, MessageStatus, media_of, payload_of

__all__ = [
    "LARGEST_MESSAGE",
    "MESSAGE_TYPES",
    "MediaReference",
    "Message",
    "MessageStatus",
    "check_media_limits",
    "media_of",
    "payload_of",
]
