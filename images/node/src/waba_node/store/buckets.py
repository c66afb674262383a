"""What is stored is stored by bucket, so that another number of shards moves nothing."""

from __future__ import annotations

import sqlalchemy as sa

from ..control.sharding import BUCKETS, buckets_of

EVERY_BUCKET = buckets_of(0, 1)


def among(column: sa.Column, buckets: range) -> sa.ColumnElement[bool]:
    """Return the condition that a row belongs to one of some buckets: no condition where they are all of them."""
    return sa.true() if len(buckets) == BUCKETS else column.in_(buckets)
