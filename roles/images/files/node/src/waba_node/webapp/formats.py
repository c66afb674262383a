"""The two formats of metrics: JSON, and the text format of Prometheus (docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

from aiohttp import web

from .errors import ApiError

FORMATS = ("json", "prometheus")
OPENMETRICS, PLAIN_TEXT = "application/openmetrics-text", "text/plain"


def wants_prometheus(request: web.Request) -> bool:
    """Return whether a client asks for the text format: by `?format=prometheus`, or by an Accept header. Raises ApiError 1009.

    A Prometheus server accepts OpenMetrics or a version of the text format. Many HTTP libraries accept plain text without a version, among
    other types; they get the default.
    """
    wanted = request.query.get("format")
    if wanted is not None:
        if wanted not in FORMATS:
            raise ApiError(1009, f"format must be one of {', '.join(FORMATS)}, or absent")
        return wanted == "prometheus"
    accepted = [part.strip().lower() for part in request.headers.get("Accept", "").split(",")]
    types = {part.partition(";")[0].strip() for part in accepted}
    versioned = any(part.startswith(PLAIN_TEXT) and "version=" in part for part in accepted)
    return types == {PLAIN_TEXT} or ("application/json" not in types and (OPENMETRICS in types or versioned))
