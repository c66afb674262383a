"""Rows are stored by bucket, so another number of shards moves none of them."""

from __future__ import annotations

import sqlalchemy as sa

from ..control.sharding import BUCKETS, buckets_of

EVERY_BUCKET = buckets_of(0, 1)


def among(column: sa.Column[int], buckets: range) -> sa.ColumnElement[bool]:
    """Return the condition that a row belongs to one of the buckets; no condition where they are all of them."""
    return sa.true() if len(buckets) == BUCKETS else column.in_(buckets)
