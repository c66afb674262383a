"""Statistics (vendor facts, section 2.9), of each node by name; `/internal` is what helps those who operate the node (its names are ours)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from ...rpc import RpcError
from ...runtime.statistics import prometheus
from ..answers import AppStats, DatabaseStats
from ..errors import ApiError
from ..fan_out import ask_everyone
from .table import KEY, Call, CallTable, Query, RawBody

if TYPE_CHECKING:
    from ..process import Webapp

TEXT = RawBody(("text/plain",))
FORMAT = (Query("format", ("prometheus",), "`prometheus`: the text format of Prometheus, with a label `node`"),)
Answered = tuple[int, dict] | web.Response


async def app_stats(webapp: Webapp, request: web.Request) -> Answered:
    """GET /v1/stats/app: webhooks and calls between nodes, as each node counted them."""
    return shown(request, "app", await ask(webapp, "statistics.app"))


async def internal_app_stats(webapp: Webapp, request: web.Request) -> Answered:
    """GET /v1/stats/app/internal: what each node's process takes."""
    return shown(request, "app", await ask(webapp, "statistics.process"))


async def db_stats(webapp: Webapp, request: web.Request) -> Answered:
    """GET /v1/stats/db: messages and webhooks in the database, which the primary master alone counts (seed)."""
    return shown(request, "db", await counted(webapp, "database.statistics"))


async def internal_db_stats(webapp: Webapp, request: web.Request) -> Answered:
    """GET /v1/stats/db/internal: the size of every table, as the primary master finds it."""
    return shown(request, "db", await counted(webapp, "database.tables"))


async def ask(webapp: Webapp, method: str) -> dict[str, dict]:
    """Return the metrics of every node; one that does not answer has none."""
    answers = await ask_everyone(webapp, method)
    return {address.node_id: {} if isinstance(answer, RpcError) else answer for address, answer in answers.items()}


async def counted(webapp: Webapp, method: str) -> dict[str, dict]:
    """Return the metrics that the primary master counts, beside every other node's none."""
    counting = await webapp.router.primary_master(method, {})
    others = {address.node_id: {} for address in await ask_everyone(webapp, "status")}
    return {**others, counting["node"]: counting["db"]}


def shown(request: web.Request, kind: str, metrics: Mapping[str, dict]) -> Answered:
    """Return metrics by node in the format that was asked for. kind: app or db."""
    wanted = request.query.get("format")
    if wanted == "prometheus":
        return web.Response(text=prometheus(metrics), content_type="text/plain")
    if wanted is not None:
        raise ApiError(1009, "format must be prometheus, or not be there")
    return 200, {"stats": {node: {kind: named} if named or kind == "app" else {} for node, named in metrics.items()}}


CALLS: CallTable = [
    Call("GET", "/v1/stats/app", KEY, app_stats, answers={200: (AppStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/app/internal", KEY, internal_app_stats, answers={200: (AppStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/db", KEY, db_stats, answers={200: (DatabaseStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/db/internal", KEY, internal_db_stats, answers={200: (DatabaseStats, TEXT)}, query=FORMAT),
]
