"""The ownership check and the policy for sending to an upstream whose sends are not idempotent (docs/adr/0024-claim-before-cloud-post.md)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ..control.ownership import Grant
from ..store import ownership
from ..upstream.base import UpdatingUpstream


class NotOwner(Exception):
    """The process does not own the shard any more; the transaction is undone."""


@dataclass(frozen=True)
class Claiming:
    """The upstream, and the process that claims messages for it."""

    upstream: UpdatingUpstream
    node_id: str
    incarnation: str

    async def require_ownership(self, connection: AsyncConnection, grant: Grant) -> None:
        """Make the transaction fail unless this process owns the shard until its commit: see ownership.guard. Raises NotOwner."""
        if not await ownership.guard(connection, grant.shard, self.node_id, self.incarnation, grant.epoch):
            raise NotOwner(f"this process does not own shard {grant.shard} with epoch {grant.epoch} any more")
