"""Documents as the API uses them: read from the database, and changed by the primary master.

Some upstreams store the profile and the PIN themselves. The primary master then reads and changes these documents there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..store import documents as store
from .routing import UPSTREAM_TIMEOUT

if TYPE_CHECKING:
    from .process import Webapp


AT_UPSTREAM = (store.BUSINESS_PROFILE, store.COMPLIANCE, store.ABOUT, store.PHOTO, store.TWO_STEP)


def is_at_upstream(webapp: Webapp, name: str) -> bool:
    """Return whether the upstream stores a document."""
    return webapp.config.cloud is not None and name in AT_UPSTREAM


async def read(webapp: Webapp, name: str) -> dict[str, Any]:
    """Return a document, {} if it does not exist."""
    if is_at_upstream(webapp, name):
        answer = await webapp.router.call_primary_master("account.read", {"document": name}, UPSTREAM_TIMEOUT)
        content: dict[str, Any] = answer["content"]
        return content
    return await webapp.database.run(lambda connection: store.read_document(connection, name))


async def update(webapp: Webapp, name: str, fields: dict[str, Any]) -> None:
    """Set some fields of a document. Raises ApiError."""
    if is_at_upstream(webapp, name):
        await _change_at_upstream(webapp, name, fields)
        return
    await webapp.router.call_primary_master("document.change", {"document": name, "set": fields})


async def replace(webapp: Webapp, name: str, content: dict[str, Any]) -> None:
    """Replace a document. Raises ApiError."""
    if is_at_upstream(webapp, name):
        await _change_at_upstream(webapp, name, content)
        return
    await webapp.router.call_primary_master("document.change", {"document": name, "set": content, "replace": True})


async def clear(webapp: Webapp, name: str) -> None:
    """Remove all fields of a document. Raises ApiError."""
    if is_at_upstream(webapp, name):
        await _change_at_upstream(webapp, name, {})
        return
    await webapp.router.call_primary_master("document.change", {"document": name, "replace": True})


async def remove_field(webapp: Webapp, name: str, field: str) -> None:
    """Remove one field of a document. Raises ApiError."""
    await webapp.router.call_primary_master("document.change", {"document": name, "remove": [field]})


async def read_photo_link(webapp: Webapp, path: str) -> str:
    """Return the address of the profile's photo, "" without a photo. path: of a photo in the database. Raises ApiError."""
    if is_at_upstream(webapp, store.PHOTO):
        content = {"document": store.PHOTO, "link": True}
        answer = await webapp.router.call_primary_master("account.read", content, UPSTREAM_TIMEOUT)
        return str(answer["content"].get("link", ""))
    return path if await read(webapp, store.PHOTO) else ""


async def _change_at_upstream(webapp: Webapp, name: str, content: dict[str, Any]) -> None:
    await webapp.router.call_primary_master("account.change", {"document": name, "set": content}, UPSTREAM_TIMEOUT)
