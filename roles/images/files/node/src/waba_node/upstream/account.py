"""The account of the number at a messaging service: its registration and, where the service stores them, profile and PIN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Registration:
    """A registration that was begun. registered: it needs no code and is complete. name: the number's display name."""

    registered: bool = False
    name: str = "Rehearsal"


@dataclass(frozen=True)
class Photo:
    """The photo of the profile."""

    content_type: str
    content: bytes


class UpstreamAccount(Protocol):
    """The account at a service that stores profile and PIN itself, in the shapes of the API.

    Every method raises Refused with errors for the client, or UpstreamError without an answer. Refused also says where to do something that
    the service has no call for.
    """

    async def set_pin(self, pin: str) -> None:
        """Set the two-step PIN."""

    async def remove_pin(self) -> None:
        """Turn two-step verification off."""

    async def read_profile(self) -> dict[str, Any]:
        """Return address, description, e-mail, line of business and websites."""

    async def change_profile(self, changes: dict[str, Any]) -> None:
        """Change the given fields of the profile."""

    async def read_about(self) -> str:
        """Return the text below the display name."""

    async def set_about(self, text: str) -> None:
        """Set the text below the display name."""

    async def read_photo_link(self) -> str:
        """Return the address of the photo, "" without a photo."""

    async def read_photo(self) -> Photo | None:
        """Return the photo, or None."""

    async def set_photo(self, photo: Photo) -> None:
        """Set the photo, a JPEG or PNG file."""

    async def remove_photo(self) -> None:
        """Delete the photo."""

    async def read_compliance(self) -> dict[str, Any]:
        """Return the legal entity and its contacts."""

    async def set_compliance(self, information: dict[str, Any]) -> None:
        """Replace the legal entity and its contacts."""
