"""Checks phone numbers and identities at the upstream, for the webapps, on the contacts port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..address import PortName
from ..rpc import Payload, RpcError, RpcServer
from ..store import contacts
from ..store.engine import Database, error_summary
from ..upstream.base import UpstreamError, UpstreamSession

log = logging.getLogger(__name__)

MOST_CHECKS = 50  # checks in progress that no caller waits for


class ContactChecks:
    """Checks numbers and identities, and stores the results."""

    def __init__(self, database: Database, session: Callable[[int], UpstreamSession]) -> None:
        """session: returns the connection for a bucket, or raises RpcError 1018."""
        self.database, self.session = database, session
        self.checks: set[asyncio.Task[dict[str, str | None]]] = set()

    async def check(self, payload: Payload) -> Payload:
        """Check numbers: bucket, numbers, wait. Return `wa_ids`, number -> WhatsApp ID or None; without `wait` none of them.

        Raises RpcError 1018 unless this node owns the bucket's shard, 1014 when the upstream fails, 1015 for too many checks in progress.
        """
        session, numbers = self.session(payload["bucket"]), payload["numbers"]
        if payload["wait"]:
            return {"wa_ids": await self.check_numbers(session, numbers)}
        if len(self.checks) >= MOST_CHECKS:
            raise RpcError(1015, "Too many requests", f"{MOST_CHECKS} checks of contacts are in progress")
        check = asyncio.create_task(self.check_numbers(session, numbers))
        self.checks.add(check)
        check.add_done_callback(self.ended)
        return {"wa_ids": {}}

    def ended(self, check: asyncio.Task[dict[str, str | None]]) -> None:
        """Forget a check, and log its failure."""
        self.checks.discard(check)
        if not check.cancelled() and (error := check.exception()) is not None:
            log.warning("contacts could not be checked: %s", error_summary(error))

    async def check_numbers(self, session: UpstreamSession, numbers: list[str]) -> dict[str, str | None]:
        """Return number -> WhatsApp ID or None, and store it. Raises RpcError 1014."""
        try:
            wa_ids = await session.check_contacts(numbers)
        except UpstreamError as error:
            raise upstream_failed(error) from error
        async with self.database.begin() as connection:
            await contacts.store_checked_numbers(connection, wa_ids)
        return wa_ids

    async def identity(self, payload: Payload) -> Payload:
        """Return a user's latest identity: bucket, wa_id. Raises RpcError."""
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
    """Return the refusal of a call that failed at the upstream."""
    return RpcError(1014, "Internal error", f"the upstream failed: {error}")


def register(server: RpcServer, database: Database, session: Callable[[int], UpstreamSession]) -> ContactChecks:
    """Answer on the contacts port. session: returns the connection for a bucket, or raises RpcError 1018."""
    checks = ContactChecks(database, session)
    server.add(PortName.CONTACTS, "contacts.check", checks.check)
    server.add(PortName.CONTACTS, "contacts.identity", checks.identity)
    return checks
