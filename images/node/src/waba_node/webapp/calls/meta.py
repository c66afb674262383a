"""What a webapp says of itself: the root for load balancers, its metrics, and the description of all calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ...runtime.statistics import prometheus
from ..errors import ApiError
from .table import KEY, OPEN, Call, CallTable, RawBody

if TYPE_CHECKING:
    from ..process import Webapp

TEXT = RawBody(("text/plain",))
JSON = RawBody(("application/json",))


async def root(webapp: Webapp, _request: web.Request) -> web.Response:
    """GET /: 200 for load balancers (vendor fact: without credentials), 503 when they should go elsewhere (ours)."""
    if webapp.draining:
        raise ApiError(1011, "this webapp is being taken out of service")
    return web.Response(text="waba node\n")


async def show_metrics(webapp: Webapp, _request: web.Request) -> web.Response:
    """GET /metrics: what this webapp counted of its own work, in the text format of Prometheus."""
    metrics = webapp.metrics.shown(connections=len(webapp.runner.server.connections))
    return web.Response(text=prometheus({"": metrics}), content_type="text/plain")


async def describe(webapp: Webapp, _request: web.Request) -> web.Response:
    """GET /v1/openapi.json: this description of the API (OpenAPI 3.1; the path is ours)."""
    from ..openapi import document
    from . import CALLS

    return web.json_response(document(CALLS, webapp.config.version))


CALLS: CallTable = [
    Call("GET", "/", OPEN, root, answers={200: TEXT}),
    Call("GET", "/metrics", KEY, show_metrics, answers={200: TEXT}),
    Call("GET", "/v1/openapi.json", OPEN, describe, answers={200: JSON}),
]
