"""How a call has the primary master change what it keeps under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...store import documents

if TYPE_CHECKING:
    from ..process import Webapp


async def kept(webapp: Webapp, name: str) -> dict:
    """Return a document, {} when there is none."""
    async with webapp.database.begin() as connection:
        return await documents.read_document(connection, name)


async def add(webapp: Webapp, name: str, content: dict) -> None:
    """Set fields of a document; the others stay. Raises ApiError."""
    await webapp.router.primary_master("document.change", {"document": name, "set": content})


async def put(webapp: Webapp, name: str, content: dict) -> None:
    """Put a document in the place of what was there. Raises ApiError."""
    await webapp.router.primary_master("document.change", {"document": name, "set": content, "replace": True})


async def remove(webapp: Webapp, name: str, *fields: str) -> None:
    """Remove fields of a document, all of them when none is named. Raises ApiError."""
    change = {"remove": list(fields)} if fields else {"replace": True}
    await webapp.router.primary_master("document.change", {"document": name, **change})
