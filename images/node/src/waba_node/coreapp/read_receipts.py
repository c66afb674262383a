"""A coreapp tells the upstream that a message which came in was read."""

from __future__ import annotations

from collections.abc import Callable

from ..address import PortName
from ..rpc import RpcError, RpcServer
from ..store import inbox
from ..store.engine import Database
from ..upstream.base import UpstreamError, UpstreamSession


def register(server: RpcServer, database: Database, session: Callable[[int], UpstreamSession]) -> None:
    """Answer `messages.read` on the messaging port. session: the connection for a bucket, or RpcError 1018."""

    async def read(payload: dict) -> dict:
        """Mark a message as read: message_id, bucket."""
        try:
            await session(payload["bucket"]).mark_read(payload["message_id"])
        except UpstreamError as error:
            raise RpcError(1014, "Internal error", f"the upstream did not take it: {error}") from error
        async with database.begin() as connection:
            await inbox.record_read(connection, payload["message_id"])
        return {}

    server.add(PortName.MESSAGING, "messages.read", read)
