"""The HTTPS server of a webapp: routing, who may call what, the envelope, counters."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import web

from ..store.engine import DATABASE_ERRORS, error_summary
from ..store.users import ADMIN as ROLE_ADMIN
from .calls import CALLS
from .calls.table import ADMIN, CREDENTIALS, KEY, OPEN, Call
from .errors import ApiError
from .metrics import call_name
from .requests import LARGEST_BODY
from .sessions import has_api_key

if TYPE_CHECKING:
    from .process import Webapp

log = logging.getLogger(__name__)
access_log = logging.getLogger("waba_node.access")

PROBED = ("/", "/metrics", "/v1/health", "/v1/stats/app")  # asked every few seconds: logged only when refused
LONGEST_LOGGED_PATH = 100
UNROUTED = "unrouted"


class ApiServer:
    """Answers the calls of the table, each in the vendor's envelope."""

    def __init__(self, webapp: Webapp) -> None:
        self.webapp, self.metrics = webapp, webapp.metrics
        self.meta = {"api_status": "stable", "version": webapp.config.version}

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self.observed])
        for call in CALLS:
            application.router.add_route(call.method, call.path, self.answering(call))
        return application

    @web.middleware
    async def observed(self, request: web.Request, handler) -> web.StreamResponse:
        """Count and log every request, also one that no call answers."""
        began = time.monotonic()
        resource = request.match_info.route.resource
        call_name.set(f"{request.method}{resource.canonical.replace('/', '_')}" if resource else UNROUTED)
        self.metrics.processing += 1
        try:
            response = await self.answered(request, handler)
        finally:
            self.metrics.processing -= 1
        seconds = time.monotonic() - began
        self.metrics.answered(response.status, response.content_length or 0, seconds)
        path = request.rel_url.raw_path[
            :LONGEST_LOGGED_PATH
        ]  # as it came, so that it stays on one line; without its query
        if path not in PROBED:
            self.metrics.last_call = time.monotonic()
        if path not in PROBED or response.status >= 400:
            access_log.info(
                "%s %s %s %d %.0f ms", request.remote, request.method, path, response.status, seconds * 1000
            )
        return response

    async def answered(self, request: web.Request, handler) -> web.StreamResponse:
        """Return the answer, every failure in the envelope."""
        try:
            return await handler(request)
        except ApiError as error:
            return self.refused(error)
        except web.HTTPMethodNotAllowed as error:
            problem = ApiError(1006, f"{request.method} is not allowed here", 405)
            return self.refused(problem, {"Allow": error.headers["Allow"]})
        except web.HTTPNotFound:
            return self.refused(ApiError(1006, "there is nothing at this path"))
        except web.HTTPException as error:
            return self.refused(ApiError(1025, error.reason, error.status))
        except DATABASE_ERRORS as error:
            self.webapp.database_is_away(error)
            if not self.webapp.schema_ready:
                return self.refused(ApiError(1011, "; ".join(self.webapp.health.reasons.values())))
            log.warning("%s: the database did not do its part: %s", request.rel_url.raw_path, error_summary(error))
            return self.refused(ApiError(1023, "the database does not answer"))
        except Exception:
            log.exception("%s failed", request.rel_url.raw_path)
            return self.refused(ApiError(1000, "unexpected failure; the log says more"))

    def answering(self, call: Call):
        """Return the handler of one call, for those who may call it."""

        async def answer(request: web.Request) -> web.StreamResponse:
            await self.admit(request, call.who)
            result = await call.run(self.webapp, request)
            if isinstance(result, web.StreamResponse):
                return result
            status, content = result
            return web.Response(status=status) if content is None else self.enveloped(status, content)

        return answer

    async def admit(self, request: web.Request, who: str) -> None:
        """Raise ApiError unless the caller may do this."""
        if who in (OPEN, CREDENTIALS) or (who == KEY and has_api_key(request, self.webapp.config.api_key)):
            return
        caller = request["caller"] = await self.webapp.sessions.caller(request)
        if who == ADMIN and caller.role != ROLE_ADMIN:
            raise ApiError(1005, "only an admin may do this")

    def enveloped(self, status: int, content: dict, headers: dict | None = None) -> web.Response:
        """Return an answer with its `meta`."""
        return web.Response(
            status=status,
            text=json.dumps({**content, "meta": self.meta}),
            content_type="application/json",
            headers=headers,
        )

    def refused(self, error: ApiError, headers: dict | None = None) -> web.Response:
        """Return a refusal."""
        return self.enveloped(error.status, {"errors": [error.as_dict()]}, headers)
