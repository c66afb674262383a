"""The metadata that every table of the node's database belongs to, and SQL for moments by the database's clock."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.ext.asyncio import AsyncConnection

metadata = sa.MetaData()

# A moment by the database's own clock, in UTC. No safety decision uses one: docs/adr/0003-safety-without-clocks.md.
Moment = sa.DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")  # type: ignore[no-untyped-call]
NOW = sa.text("UTC_TIMESTAMP(6)")
SINCE_1970 = sa.text("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))")


TABLES = sa.text(
    "SELECT table_name, table_rows, data_length + index_length FROM information_schema.tables WHERE table_schema = DATABASE()"
)
GROUP_STATUS = sa.text("SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_local_recv_queue')")


async def read_table_sizes(connection: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Return table -> (rows, bytes with indexes) as the database estimates them, without reading the tables."""
    return {row[0]: (int(row[1] or 0), int(row[2] or 0)) for row in await connection.execute(TABLES)}


async def read_group_status(connection: AsyncConnection) -> dict[str, int]:
    """Return {"members", "receive_queue"} of the database member that answers; {} of a server without others."""
    rows = await connection.execute(GROUP_STATUS)
    status = {name.lower(): value for name, value in rows}
    size = int(status.get("wsrep_cluster_size", 0))
    return {"members": size, "receive_queue": int(status["wsrep_local_recv_queue"])} if size else {}


async def read_time(connection: AsyncConnection) -> float:
    """Return the database's time, seconds since 1970."""
    microseconds: int = (await connection.execute(SINCE_1970)).scalar_one()
    return microseconds / 1e6


def seconds_from_now(name: str) -> sa.TextClause:
    """Return SQL for the present moment plus the bound parameter `name`, a number of seconds."""
    return sa.text(f"UTC_TIMESTAMP(6) + INTERVAL :{name} * 1000000 MICROSECOND")
