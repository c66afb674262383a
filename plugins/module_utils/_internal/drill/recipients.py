# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recipients of test messages that no subscriber has, one for each shard, so that the loss of any shard is noticed. Pure."""

from __future__ import annotations

import hashlib

BUCKETS = 32  # docs/adr/0005-recipient-buckets-and-shards.md
AREAS = (202, 212, 213, 305, 312, 415)  # with 555-0100 to 555-0199, which belong to no subscriber
NUMBERS = tuple(f"1{area}55501{last:02d}" for area in AREAS for last in range(100))


def bucket_of(recipient: str) -> int:
    """Return the bucket of a recipient, as the node computes it."""
    return int.from_bytes(hashlib.sha256(recipient.encode()).digest()[:4], "big") % BUCKETS


def one_for_each_shard(shards: int) -> list[str]:
    """Return a number for each shard. shards: a divisor of BUCKETS."""
    found: dict[int, str] = {}
    for number in NUMBERS:
        found.setdefault(bucket_of(number) % shards, number)
    return [found[shard] for shard in range(shards)]
