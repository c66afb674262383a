"""The two formats of metrics: JSON, and the text format of Prometheus (docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

from aiohttp import web

from .errors import ApiError

FORMATS = ("json", "prometheus")
TEXT_TYPES = ("text/plain", "application/openmetrics-text")  # a Prometheus server accepts these


def wants_prometheus(request: web.Request) -> bool:
    """Return whether a client asks for the text format: by `?format=prometheus`, or by an Accept header. Raises ApiError 1009."""
    wanted = request.query.get("format")
    if wanted is not None:
        if wanted not in FORMATS:
            raise ApiError(1009, f"format must be one of {', '.join(FORMATS)}, or absent")
        return wanted == "prometheus"
    accepted = {part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")}
    return bool(accepted & set(TEXT_TYPES)) and "application/json" not in accepted
