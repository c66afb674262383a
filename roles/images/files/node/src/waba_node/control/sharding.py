"""Which shard a recipient belongs to, and how the shard map is drawn anew for another number of shards. Pure.

A shard is a hash of the recipient modulo the number of shards (docs/reference/vendor-contract.md#shards). The vendor never published the
hash; this one is our choice (docs/adr/0005-recipient-buckets-and-shards.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from .promotion import Shard

ALLOWED = (1, 2, 4, 8, 16, 32)
# Every allowed number divides the largest, so a recipient's bucket determines its shard under each of them. Messages are stored by bucket:
# another number of shards moves none of them.
BUCKETS = ALLOWED[-1]


def bucket_of(recipient: str) -> int:
    """Return the bucket of a recipient: the first four bytes of SHA-256 of its digits, modulo the number of buckets."""
    return int.from_bytes(hashlib.sha256(recipient.encode()).digest()[:4], "big") % BUCKETS


def shard_of(recipient: str, shards: int) -> int:
    """Return the shard of a recipient. shards: an allowed number."""
    return bucket_of(recipient) % shards


def buckets_of(shard: int, shards: int) -> range:
    """Return the buckets that one of `shards` shards serves."""
    return range(shard, BUCKETS, shards)


def refusal(wanted: int, coreapps: int) -> str | None:
    """Return why a cluster with so many running coreapps cannot have `wanted` shards, or None."""
    if wanted not in ALLOWED:
        return f"shards must be one of {', '.join(map(str, ALLOWED))}"
    if coreapps < wanted + 1:
        return f"{wanted} shards need {wanted + 1} running coreapps, one of them as standby; there are {coreapps}"
    return None


def redrawn(rows: Collection[Shard], shards: int) -> list[Shard] | None:
    """Return the map with another number of shards, or None while an owner under the present one may still be connected.

    Every epoch is higher than any before, of any shard. So a plan, a renewal or a release under the former map names an epoch that no
    longer exists, and the upstream refuses a coreapp that still believes in it. Otherwise a shard that is removed and later returns would
    start below the epochs that the upstream has seen.
    """
    if not all(row.fenced for row in rows):
        return None
    epoch = max(row.epoch for row in rows) + 1
    return [Shard(shard, None, None, epoch, fenced=True) for shard in range(shards)]
