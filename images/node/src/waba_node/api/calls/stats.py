"""Statistics (vendor facts, section 2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...store import callbacks, cluster
from ..answers import AppStats, DatabaseStats
from .table import KEY, Call, CallTable

if TYPE_CHECKING:
    from ...webapp import Webapp


async def app_stats(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/stats/app: how the work goes."""
    async with webapp.database.begin() as connection:
        queued = await callbacks.pending_webhooks(connection)
    metric = {
        "type": "gauge",
        "help": "Webhooks that wait for their delivery",
        "data": [{"labels": {}, "value": queued}],
    }
    return 200, {"stats": {"app": {"callback_queue_size": metric}}}


async def db_stats(webapp: Webapp, _request: web.Request) -> tuple[int, dict]:
    """GET /v1/stats/db: the primary master alone counts (seed); every other node has nothing to say (vendor fact)."""
    counted = await webapp.router.primary_master("database.statistics", {})
    async with webapp.database.begin() as connection:
        names = [row.address.node_id for row in await cluster.nodes(connection)]
    return 200, {"stats": {**{name: {} for name in names}, counted["node"]: {"db": counted["db"]}}}


CALLS: CallTable = [
    Call("GET", "/v1/stats/app", KEY, app_stats, answers={200: AppStats}),
    Call("GET", "/v1/stats/db", KEY, db_stats, answers={200: DatabaseStats}),
]
