"""What a client may send: one type a kind of message, checked before anything is done."""

from .media import misfit
from .whole import LARGEST_MESSAGE, MESSAGE_TYPES, Message, MessageStatus, payload_of, uploaded_media

__all__ = ["LARGEST_MESSAGE", "MESSAGE_TYPES", "Message", "MessageStatus", "misfit", "payload_of", "uploaded_media"]
