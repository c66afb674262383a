# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Client of the cluster's /v1 API."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

REQUEST_TIMEOUT = 10  # seconds
RETRY_INTERVAL = 1.0  # seconds
TRANSIENT_STATUSES = (502, 503, 504)  # a node starts, or a failover is in progress
NOT_PRIMARY_MASTER = 1017  # also transient; docs/reference/vendor-contract.md#errors-and-envelope

Result = TypeVar("Result")


class ApiUnreachable(HostError):
    """No connection to the API, or the connection ended without an answer."""


class ApiRefused(HostError):
    """The API answered with an error. status: of HTTP. codes: error codes of the vendor contract."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        self.status, self.codes = status, [error.get("code") for error in errors]
        reasons = "; ".join(f"{error.get('code')} {error.get('title')}: {error.get('details', '')}" for error in errors)
        super().__init__(f"the API answered HTTP {status}: {reasons or 'no reason given'}")

    @property
    def is_transient(self) -> bool:
        """Whether a retry may succeed."""
        return self.status in TRANSIENT_STATUSES or NOT_PRIMARY_MASTER in self.codes


class Api:
    """A session with one webapp. params: see `argspec.API_OPTIONS`."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.url = params["url"].rstrip("/")
        self.options = {
            "validate_certs": params["validate_certs"],
            "ca_path": params["ca_path"],
            "timeout": REQUEST_TIMEOUT,
        }
        self.authorization: str | None = None

    def use_api_key(self, key: str) -> None:
        """Authenticate further calls with the static key of health, statistics and metrics."""
        self.authorization = f"Apikey {key}"

    def login(self, username: str, password: str, new_password: str | None = None) -> None:
        """Log in, and authenticate further calls with the token. Raises HostError as `call` does."""
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        body = {"new_password": new_password} if new_password else None
        answer = self.call("POST", "users/login", body, f"Basic {basic}")
        self.authorization = f"Bearer {self.value_at(answer, 'users', 0, 'token')}"

    def logout(self) -> None:
        """End the session. A failure is ignored: the token expires by itself."""
        with contextlib.suppress(HostError):
            self.call("POST", "users/logout")

    @contextlib.contextmanager
    def session(self, username: str, password: str, timeout: float) -> Iterator[None]:
        """Log in, retrying for up to timeout (seconds), and log out at the end. Raises HostError."""
        retry(lambda: self.login(username, password), timeout)
        try:
            yield
        finally:
            self.logout()

    def value_at(self, answer: Any, *keys: str | int) -> Any:
        """Return the value at a path of keys in an answer. Raises HostError if the answer is not the API's."""
        try:
            for key in keys:
                answer = answer[key]
        except (KeyError, IndexError, TypeError) as error:
            raise self._not_the_api() from error
        return answer

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, authorization: str | None = None
    ) -> dict[str, Any]:
        """Return the answer of a call; {} for an empty one. path: below /v1, unless it begins with a slash.

        Raises ApiRefused, ApiUnreachable, and HostError for an untrusted certificate or an answer that is not the API's.
        """
        headers = {"Content-Type": "application/json"}
        credentials = authorization or self.authorization
        if credentials:
            headers["Authorization"] = credentials
        try:
            response = open_url(
                f"{self.url}{path if path.startswith('/') else f'/v1/{path}'}",
                method=method,
                data=json.dumps(body) if body is not None else None,
                headers=headers,
                follow_redirects="none",  # never send credentials to another address
                use_netrc=False,
                **self.options,
            )
            content = response.read()
        except HTTPError as error:
            raise ApiRefused(error.code, _errors(error)) from error
        except (OSError, ValueError, http.client.HTTPException) as error:  # a URLError is an OSError
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise HostError(
                    f"{self.url}: its certificate is not trusted ({reason.verify_message}). "
                    "Set ca_path to the certificate of its authority, or set validate_certs to false."
                ) from error
            raise ApiUnreachable(f"{self.url} does not answer: {reason}") from error
        try:
            answer = json.loads(content) if content else {}
        except ValueError as error:
            raise self._not_the_api() from error
        if not isinstance(answer, dict):
            raise self._not_the_api()
        return answer

    def _not_the_api(self) -> HostError:
        return HostError(
            f"{self.url} answers, but not as the cluster's API does. Check whether another program has this address."
        )


def retry(call: Callable[[], Result], timeout: float) -> Result:
    """Return the result of call(), retrying for up to timeout (seconds) while the API is unreachable or fails over."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return call()
        except (ApiUnreachable, ApiRefused) as error:
            transient = isinstance(error, ApiUnreachable) or error.is_transient
            if not transient or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_INTERVAL)


def _errors(error: HTTPError) -> list[dict[str, Any]]:
    try:
        errors = json.loads(error.read()).get("errors", [])
    except (ValueError, OSError, AttributeError, http.client.HTTPException):
        return []
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
