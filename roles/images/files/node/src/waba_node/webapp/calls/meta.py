"""The webapp itself: the root for load balancers, its metrics, and the description of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...runtime.statistics import process_metrics, prometheus
from ..errors import ApiError
from ..formats import FORMATS, wants_prometheus
from ..schema.monitoring import WebappMetrics
from ..sockets import BACKLOG
from .table import KEY, OPEN, Call, CallTable, Query, RawBody, Result

if TYPE_CHECKING:
    from ..process import Webapp

TEXT = RawBody(("text/plain",))
JSON = RawBody(("application/json",))
FORMAT = (Query("format", FORMATS, "`json`, the default, or `prometheus`: the text format of Prometheus"),)


async def root(webapp: Webapp, _request: web.Request) -> Result:
    """GET /: 200 without credentials, for load balancers; 503 while the webapp starts, cannot use the schema, or is being taken out of service."""
    if webapp.draining:
        raise ApiError(1011, "this webapp is being taken out of service")
    if not webapp.schema_ready:
        raise ApiError(1011, webapp.health.problems.get("schema", "this webapp is starting"))
    return web.Response(text="waba node\n")


async def read_metrics(webapp: Webapp, request: web.Request) -> Result:
    """GET /metrics: this webapp's own counters, and its process.

    The text format of Prometheus is selected by `format` or by an Accept header, as a Prometheus server sends it.
    """
    node = webapp.config.container_id
    metrics = webapp.metrics.collect(node, webapp.listener.accepted, BACKLOG)
    metrics |= process_metrics(webapp.health.subjects(), (("node", node),))
    if webapp.webhooks is not None:
        metrics |= webapp.webhooks.metrics.collect(("node", node), webapp.webhooks.listener.evicted)
    if wants_prometheus(request):
        return web.Response(text=prometheus({"": metrics}), content_type="text/plain")
    return 200, {"metrics": metrics}


async def describe(webapp: Webapp, _request: web.Request) -> Result:
    """GET /v1/openapi.json: this description of the API (OpenAPI 3.1). The call is our addition."""
    from ..openapi import document
    from . import CALLS

    return web.json_response(document(CALLS, webapp.config.version))


CALLS: CallTable = [
    Call("GET", "/", OPEN, root, answers={200: TEXT}),
    Call("GET", "/metrics", KEY, read_metrics, answers={200: (WebappMetrics, TEXT)}, query=FORMAT),
    Call("GET", "/v1/openapi.json", OPEN, describe, answers={200: JSON}),
]
