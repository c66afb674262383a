"""Statistics of each node (docs/reference/vendor-contract.md#stats-and-metrics). The metrics of `/internal` are our decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...rpc import RpcError
from ...runtime.statistics import prometheus
from ...store import master_lease, ownership
from .. import cluster_metrics
from ..fan_out import call_every_node
from ..formats import FORMATS, wants_prometheus
from ..schema.monitoring import AppStats, ClusterStats, DatabaseStats
from .table import KEY, Call, CallTable, Query, RawBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

TEXT = RawBody(("text/plain",))
FORMAT = (
    Query("format", FORMATS, "`json`, the default, or `prometheus`: the text format of Prometheus with a label `node`"),
)

MetricsByNode = Mapping[str, dict[str, Any]]


async def app_stats(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/stats/app: webhooks and calls between nodes, counted by each node."""
    return _answer(request, "app", await _metrics_of_nodes(webapp, "statistics.app"))


async def internal_app_stats(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/stats/app/internal: memory, uptime, problems and database connections of each node."""
    return _answer(request, "app", await _metrics_of_nodes(webapp, "statistics.process"))


async def cluster_stats(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/stats/cluster: nodes, their roles, and owners of shards. The call is our addition."""
    answers = await call_every_node(webapp, "status")
    async with webapp.database.begin() as connection:
        shards = await ownership.read_map(connection)
        holder, epoch = await master_lease.read_holder(connection)
    metrics = cluster_metrics.collect(answers, shards, holder, epoch)
    if wants_prometheus(request):
        return web.Response(text=prometheus({"": metrics}), content_type="text/plain")
    return 200, {"stats": {"cluster": metrics}}


async def db_stats(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/stats/db: messages and webhooks in the database, counted by the primary master."""
    return _answer(request, "db", await _metrics_of_primary_master(webapp, "database.statistics"))


async def internal_db_stats(webapp: Webapp, request: web.Request) -> Result:
    """GET /v1/stats/db/internal: the size of every table, and the members of the database, reported by the primary master."""
    return _answer(request, "db", await _metrics_of_primary_master(webapp, "database.tables"))


async def _metrics_of_nodes(webapp: Webapp, method: str) -> MetricsByNode:
    """Return the metrics of every node; a node that does not answer has none."""
    answers = await call_every_node(webapp, method)
    return {node.node_id: {} if isinstance(answer, RpcError) else answer for node, answer in answers.items()}


async def _metrics_of_primary_master(webapp: Webapp, method: str) -> MetricsByNode:
    """Return the metrics of the primary master, and empty ones of every other node."""
    answer = await webapp.router.call_primary_master(method, {})
    others: dict[str, dict[str, Any]] = {node.node_id: {} for node in await call_every_node(webapp, "status")}
    return {**others, answer["node"]: answer["db"]}


def _answer(request: web.Request, kind: str, by_node: MetricsByNode) -> Result:
    """Return metrics in the requested format. kind: app or db."""
    if wants_prometheus(request):
        return web.Response(text=prometheus(by_node), content_type="text/plain")
    stats = {node: {kind: metrics} if metrics or kind == "app" else {} for node, metrics in by_node.items()}
    return 200, {"stats": stats}


CALLS: CallTable = [
    Call("GET", "/v1/stats/app", KEY, app_stats, answers={200: (AppStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/app/internal", KEY, internal_app_stats, answers={200: (AppStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/cluster", KEY, cluster_stats, answers={200: (ClusterStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/db", KEY, db_stats, answers={200: (DatabaseStats, TEXT)}, query=FORMAT),
    Call("GET", "/v1/stats/db/internal", KEY, internal_db_stats, answers={200: (DatabaseStats, TEXT)}, query=FORMAT),
]
