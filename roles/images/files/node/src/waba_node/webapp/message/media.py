"""Media in a message: an uploaded file named by its id, or a link (docs/reference/vendor-contract.md#messages).

The vendor's limits of each kind apply when a message is sent, because one file can be sent as an image or as a document. The vendor's client
shrank larger files; refusing them is our decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..errors import ApiError
from .common import Link, Part, length

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The files that can be sent as a kind of media. content_types: None for any. largest: bytes."""

    content_types: frozenset[str] | None
    largest: int


LIMITS = {  # https://developers.facebook.com/docs/whatsapp/on-premises/reference/media
    "image": Limits(frozenset({"image/jpeg", "image/png"}), 5 * MEGABYTE),
    "video": Limits(frozenset({"video/mp4", "video/3gpp"}), 16 * MEGABYTE),
    "audio": Limits(frozenset({"audio/aac", "audio/mp4", "audio/amr", "audio/mpeg", "audio/ogg"}), 16 * MEGABYTE),
    "document": Limits(None, 100 * MEGABYTE),
    "sticker": Limits(frozenset({"image/webp"}), 100 << 10),
}


class ProviderName(Part):
    """Names the media provider whose credentials the link needs."""

    name: Annotated[str, length(128)]


class MediaReference(Part):
    """An audio file or a sticker."""

    id: Annotated[str, length(64)] | None = None
    link: Link | None = None
    provider: ProviderName | None = None

    def __post_init__(self) -> None:
        if self.id is None and self.link is None:
            raise ApiError(1008, "media needs an id or a link")
        if self.id is not None and self.link is not None:
            raise ApiError(1009, "media has an id or a link, not both")
        if self.provider is not None and self.link is None:
            raise ApiError(1010, "a provider is only used with a link")


class CaptionedMedia(MediaReference):
    """An image or a video."""

    caption: Annotated[str, length(1024, 0)] | None = None


class Document(CaptionedMedia):
    """A document."""

    filename: Annotated[str, length(240)] | None = None


def check_media_limits(kind: str, content_type: str, size: int) -> None:
    """Raise ApiError 1009 unless a stored file can be sent as a kind of media. size: bytes."""
    limits = LIMITS[kind]
    if limits.content_types is not None and content_type not in limits.content_types:
        allowed = ", ".join(sorted(limits.content_types))
        raise ApiError(1009, f"{content_type} cannot be sent as {kind}, which allows {allowed}")
    if size > limits.largest:
        raise ApiError(1009, f"the file has {size} bytes, {kind} allows at most {limits.largest}")
