"""Messages that a client can send: one type per kind of message, validated before anything else happens."""

from .media import MediaReference, check_media_limits
from .model import LARGEST_MESSAGE, MESSAGE_TYPES, Message, MessageStatus, is_user_id, media_of, payload_of

__all__ = [
    "LARGEST_MESSAGE",
    "MESSAGE_TYPES",
    "MediaReference",
    "Message",
    "MessageStatus",
    "check_media_limits",
    "is_user_id",
    "media_of",
    "payload_of",
]
