"""Stored documents as the API uses them: read from the database, changed by the primary master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import documents as store

if TYPE_CHECKING:
    from .process import Webapp


async def read(webapp: Webapp, name: str) -> dict[str, Any]:
    """Return a document, {} if it does not exist."""
    async with webapp.database.begin() as connection:
        return await store.read_document(connection, name)


async def update(webapp: Webapp, name: str, fields: dict[str, Any]) -> None:
    """Set some fields of a document. Raises ApiError."""
    await webapp.router.call_primary_master("document.change", {"document": name, "set": fields})


async def replace(webapp: Webapp, name: str, content: dict[str, Any]) -> None:
    """Replace a document. Raises ApiError."""
    await webapp.router.call_primary_master("document.change", {"document": name, "set": content, "replace": True})


async def clear(webapp: Webapp, name: str) -> None:
    """Remove all fields of a document. Raises ApiError."""
    await webapp.router.call_primary_master("document.change", {"document": name, "replace": True})


async def remove_field(webapp: Webapp, name: str, field: str) -> None:
    """Remove one field of a document. Raises ApiError."""
    await webapp.router.call_primary_master("document.change", {"document": name, "remove": [field]})
