"""What a client may send: one type a kind of message, checked before anything is done."""

from .media import misfit
from .model import LARGEST_MESSAGE, MESSAGE_TYPES, Message, MessageStatus, media_of, payload_of

__all__ = ["LARGEST_MESSAGE", "MESSAGE_TYPES", "Message", "MessageStatus", "media_of", "misfit", "payload_of"]
