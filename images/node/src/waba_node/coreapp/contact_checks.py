"""A coreapp asks the upstream about numbers, for the webapps, on the contacts port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..address import PortName
from ..rpc import RpcError, RpcServer
from ..store import contacts
from ..store.engine import Database
from ..upstream.base import UpstreamError, UpstreamSession

log = logging.getLogger(__name__)

MOST_CHECKS = 50  # at a time, of those that nobody waits for


class Contacts:
    """Checks numbers and identities, and stores what was found."""

    def __init__(self, database: Database, session: Callable[[int], UpstreamSession]) -> None:
        self.database, self.session = database, session
        self.checks: set[asyncio.Task] = set()

    async def check(self, payload: dict) -> dict:
        """Check numbers: bucket, numbers, wait. Return `wa_ids`, number -> WhatsApp ID or None; without waiting, none of them.

        Raises RpcError 1018 unless this node owns the bucket's shard, 1014 when the upstream fails, 1015 for too many checks at a time.
        """
        session, numbers = self.session(payload["bucket"]), payload["numbers"]
        if payload["wait"]:
            return {"wa_ids": await self.look_up(session, numbers)}
        if len(self.checks) >= MOST_CHECKS:
            raise RpcError(1015, "Too many requests", f"{MOST_CHECKS} checks of contacts are under way")
        check = asyncio.create_task(self.look_up(session, numbers))
        self.checks.add(check)
        check.add_done_callback(self.checked)
        return {"wa_ids": {}}

    def checked(self, check: asyncio.Task) -> None:
        self.checks.discard(check)
        if not check.cancelled() and (error := check.exception()) is not None:
            log.warning("contacts could not be checked: %s", str(error).split("\n", 1)[0])

    async def look_up(self, session: UpstreamSession, numbers: list[str]) -> dict[str, str | None]:
        try:
            found = await session.check_contacts(numbers)
        except UpstreamError as error:
            raise upstream_failed(error) from error
        async with self.database.begin() as connection:
            await contacts.store_checked(connection, found)
        return found

    async def identity(self, payload: dict) -> dict:
        """Return a user's latest identity: bucket, wa_id."""
        try:
            current = await self.session(payload["bucket"]).identity(payload["wa_id"])
        except UpstreamError as error:
            raise upstream_failed(error) from error
        if current is None:
            raise RpcError(1006, "Resource not found", "the upstream knows no such user")
        async with self.database.begin() as connection:
            known = await contacts.observe_identity(connection, payload["wa_id"], current)
        return {"hash": known.hash, "created_timestamp": known.seen_at, "acknowledged": known.acknowledged}


def upstream_failed(error: UpstreamError) -> RpcError:
    """Return the refusal of a node whose upstream failed it."""
    return RpcError(1014, "Internal error", f"the upstream failed: {error}")


def register(server: RpcServer, database: Database, session: Callable[[int], UpstreamSession]) -> Contacts:
    """Answer on the contacts port. session: the connection for a bucket, or RpcError 1018."""
    made = Contacts(database, session)
    server.add(PortName.CONTACTS, "contacts.check", made.check)
    server.add(PortName.CONTACTS, "contacts.identity", made.identity)
    return made
