"""Media in a message: uploaded before and named by its id, or fetched from a link (vendor facts, section 2.6).

The documented limits of each kind hold when it is sent, since one file may be sent as an image or as a document (ours: the vendor's client
shrank what was too large).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ApiError
from .common import Link, Part, text_type

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Kind:
    """What may be sent as a kind of media. content_types: None for any."""

    content_types: frozenset[str] | None
    largest: int  # bytes


KINDS = {  # documented, /on-premises/reference/media
    "image": Kind(frozenset({"image/jpeg", "image/png"}), 5 * MEGABYTE),
    "video": Kind(frozenset({"video/mp4", "video/3gpp"}), 16 * MEGABYTE),
    "audio": Kind(frozenset({"audio/aac", "audio/mp4", "audio/amr", "audio/mpeg", "audio/ogg"}), 16 * MEGABYTE),
    "document": Kind(None, 100 * MEGABYTE),
    "sticker": Kind(frozenset({"image/webp"}), 100 << 10),
}


class ProviderName(Part):
    """Names a media provider of the settings, whose credentials the link needs."""

    name: text_type(128)


class MediaReference(Part):
    """An image, a video, a document, an audio file or a sticker."""

    id: text_type(64) | None = None
    link: Link | None = None
    provider: ProviderName | None = None

    def __post_init__(self) -> None:
        if self.id is None and self.link is None:
            raise ApiError(1008, "media needs an id or a link")
        if self.id is not None and self.link is not None:
            raise ApiError(1009, "media has an id or a link, not both")
        if self.provider is not None and self.link is None:
            raise ApiError(1010, "a provider is of use with a link only")


class CaptionedMedia(MediaReference):
    """An image or a video."""

    caption: text_type(1024, 0) | None = None


class Document(CaptionedMedia):
    """A document."""

    filename: text_type(240) | None = None


def misfit(kind: str, content_type: str, size: int) -> ApiError | None:
    """Return why a stored file cannot be sent as a kind of media, or None."""
    limits = KINDS[kind]
    if limits.content_types is not None and content_type not in limits.content_types:
        return ApiError(1009, f"{content_type} cannot be sent as {kind}: {', '.join(sorted(limits.content_types))} can")
    if size > limits.largest:
        return ApiError(1009, f"the file has {size} bytes, as {kind} it may have {limits.largest}")
    return None
