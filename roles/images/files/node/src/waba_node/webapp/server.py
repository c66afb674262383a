"""The HTTP application of a webapp: routing, access, the envelope, counters."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from ..store.engine import DATABASE_ERRORS, FAILOVER_PATIENCE, error_summary, repeat_while_transient
from ..store.users import ADMIN as ROLE_ADMIN
from .body import LARGEST_BODY
from .calls import CALLS
from .calls.table import ADMIN, CREDENTIALS, KEY, OPEN, Call
from .console import files as console_files
from .errors import ApiError
from .metrics import CallRecord, current_call
from .sessions import has_api_key

if TYPE_CHECKING:
    from .process import Webapp

log = logging.getLogger(__name__)
access_log = logging.getLogger("waba_node.access")

# Called every few seconds: logged only if refused, and no reason for a draining webapp to wait.
PROBED = (
    "/",
    "/metrics",
    "/v1/console",
    "/v1/health",
    "/v1/stats/app",
    "/v1/stats/app/internal",
    "/v1/stats/cluster",
    "/v1/stats/db",
    "/v1/stats/db/internal",
)
LONGEST_LOGGED_PATH = 100
UNROUTED = "unrouted"
# Calls that may be repeated without another effect (RFC 9110, section 9.2.2).
IDEMPOTENT_METHODS = ("DELETE", "GET", "PUT")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """Answers the calls of the table in the vendor's envelope."""

    def __init__(self, webapp: Webapp) -> None:
        self.webapp, self.metrics = webapp, webapp.metrics
        config = webapp.config
        self.meta = {
            "api_status": "stable",
            "version": config.client_version,
            "implementation": f"waba node {config.version}",
        }

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._observe])
        for call in CALLS:
            application.router.add_route(call.method, call.path, self._handler(call))
        if self.webapp.config.console:
            console_files.add_routes(application.router)
        return application

    @web.middleware
    async def _observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count and log every request, including those without a matching call."""
        began = time.monotonic()
        request, handler = await self._route_leniently(request, handler)
        resource = request.match_info.route.resource
        call = CallRecord(f"{request.method}{resource.canonical.replace('/', '_')}" if resource else UNROUTED)
        current_call.set(call)
        self.metrics.processing += 1
        try:
            response = await self._respond(request, handler)
        finally:
            self.metrics.processing -= 1
        if (
            self.webapp.draining
        ):  # the client's next call connects again, and a load balancer sends it to another webapp
            response.force_close()
        seconds = time.monotonic() - began
        self.metrics.count_answer(call, response.status, response.content_length or 0, seconds)
        # The raw path is percent-encoded and stays on one line. The query is not logged.
        path = request.rel_url.raw_path[:LONGEST_LOGGED_PATH]
        if path not in PROBED:
            self.metrics.last_call = time.monotonic()
        if path not in PROBED or response.status >= 400:
            access_log.info(
                "%s %s %s %d %.0f ms", request.remote, request.method, path, response.status, seconds * 1000
            )
        return response

    async def _route_leniently(self, request: web.Request, handler: Handler) -> tuple[web.Request, Handler]:
        """Route a path with a trailing slash or repeated slashes as the path without them. Many clients join URLs like that."""
        path = request.rel_url.raw_path
        plain = re.sub("/{2,}", "/", path).rstrip("/") or "/"
        if request.match_info.http_exception is None or plain == path:
            return request, handler
        url = URL.build(path=plain, query_string=request.rel_url.raw_query_string, encoded=True)
        routed = request.clone(rel_url=url)
        match = await request.app.router.resolve(routed)
        match.add_app(request.app)
        match.freeze()
        routed._match_info = match  # as in aiohttp's own normalize_path_middleware; there is no public way
        return routed, match.handler

    async def _respond(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return the answer. Every failure is answered in the envelope."""
        try:
            return await handler(request)
        except ApiError as error:
            return self._refusal(error)
        except web.HTTPMethodNotAllowed as error:
            problem = ApiError(1006, f"this path does not support {request.method}", 405)
            return self._refusal(problem, {"Allow": error.headers["Allow"]})
        except web.HTTPNotFound:
            return self._refusal(ApiError(1006, "this path does not exist"))
        except web.HTTPException as error:
            return self._refusal(ApiError(1025, error.reason, error.status))
        except DATABASE_ERRORS as error:
            self.webapp.database_unavailable(error)
            if not self.webapp.schema_ready:
                return self._refusal(ApiError(1011, "; ".join(self.webapp.health.problems.values())))
            log.warning("%s: the database failed: %s", request.rel_url.raw_path, error_summary(error))
            return self._refusal(ApiError(1023, "the database does not answer"))
        except Exception:
            log.exception("%s failed", request.rel_url.raw_path)
            return self._refusal(ApiError(1000, "unexpected error; see the webapp's log"))

    def _handler(self, call: Call) -> Handler:
        """Return the handler of one call, which checks access first.

        An idempotent call is repeated while the database fails over. Other calls run their transactions with `Database.run`.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            await self._authorize(request, call.access)
            patience = FAILOVER_PATIENCE if call.method in IDEMPOTENT_METHODS else 0.0
            result = await repeat_while_transient(lambda: call.run(self.webapp, request), patience)
            if isinstance(result, web.StreamResponse):
                return result
            status, content = result
            if content is None:
                return web.Response(status=status)
            return self._envelope(status, content, request.get("headers"), request.get("warnings"))

        return handle

    async def _authorize(self, request: web.Request, access: str) -> None:
        """Raise ApiError unless the caller has access."""
        config = self.webapp.config
        if access in (OPEN, CREDENTIALS) or (
            access == KEY and has_api_key(request, (config.api_key, config.second_api_key))
        ):
            return
        caller = request["caller"] = await self.webapp.sessions.caller(request)
        if access == ADMIN and caller.role != ROLE_ADMIN:
            raise ApiError(1005, "only an administrator may do this")

    def _envelope(
        self,
        status: int,
        content: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        warnings: Sequence[str] | None = None,
    ) -> web.Response:
        """Return an answer with its `meta`. warnings: the ignored parts of the request."""
        meta = {**self.meta, "warnings": warnings} if warnings else self.meta
        return web.Response(
            status=status,
            text=json.dumps({**content, "meta": meta}),
            content_type="application/json",
            headers=headers,
        )

    def plain_http_refusal(self, host: str) -> bytes:
        """Return the response to a request in plain HTTP. host: of the request, "" if unknown."""
        place = f"https://{host}" if re.fullmatch(r"[\w.:\[\]-]{1,255}", host, re.ASCII) else "https"
        error = ApiError(1025, f"this port accepts HTTPS only: use {place}")
        body = json.dumps({"errors": [error.as_dict()], "meta": self.meta})
        return (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        ).encode()

    def _refusal(self, error: ApiError, headers: Mapping[str, str] | None = None) -> web.Response:
        """Return the answer to a refused call."""
        return self._envelope(error.status, {"errors": [error.as_dict()]}, headers)
