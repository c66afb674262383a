# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster's /v1 API, for modules."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import time
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

TIMEOUT = 10  # seconds for one request
PAUSE = 1.0  # seconds between two tries
PASSING = (502, 503, 504)  # HTTP: a fail-over or a start is going on
NOT_PRIMARY_MASTER = 1017  # so too (vendor fact; under which HTTP status is not known)

CONNECTION_OPTIONS = {
    "url": {"type": "str", "required": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}


class ApiUnreachable(HostError):
    """Nobody answers at the API's address."""


class ApiRefused(HostError):
    """The API refused a call. status: HTTP. codes: the vendor's error codes."""

    def __init__(self, status, errors):
        self.status, self.codes = status, [error.get("code") for error in errors]
        words = "; ".join(f"{error.get('code')} {error.get('title')}: {error.get('details', '')}" for error in errors)
        super().__init__(f"the API answered HTTP {status}: {words or 'no reason given'}")

    @property
    def passing(self):
        """Whether another try may do."""
        return self.status in PASSING or NOT_PRIMARY_MASTER in self.codes


class Api:
    """Calls of one API."""

    def __init__(self, params):
        self.url = params["url"].rstrip("/")
        self.options = {"validate_certs": params["validate_certs"], "ca_path": params["ca_path"], "timeout": TIMEOUT}
        self.authorization = None

    def use_key(self, key):
        """Authenticate with the static key of health, stats and metrics."""
        self.authorization = f"Apikey {key}"

    def login(self, username, password, new_password=None):
        """Log in, and authenticate with the token from then on. Raises HostError, as call() does."""
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        body = {"new_password": new_password} if new_password else None
        answer = self.call("POST", "users/login", body, f"Basic {basic}")
        self.authorization = f"Bearer {self.part(answer, 'users', 0, 'token')}"

    def logout(self):
        """End the session. One that cannot be ended runs out by itself: what was done in it stands."""
        with contextlib.suppress(HostError):
            self.call("POST", "users/logout")

    def part(self, answer, *keys):
        """Return what is under keys in an answer. Raises HostError where another program must have answered."""
        try:
            for key in keys:
                answer = answer[key]
        except (KeyError, IndexError, TypeError) as error:
            raise self._not_the_api() from error
        return answer

    def call(self, method, path, body=None, authorization=None):
        """Return the answer (dict; {} for an empty one) of a call.

        Raises ApiRefused, ApiUnreachable; HostError for a certificate that is not trusted, and for an answer that is not the API's.
        """
        headers = {"Content-Type": "application/json"}
        if authorization or self.authorization:
            headers["Authorization"] = authorization or self.authorization
        try:
            response = open_url(
                f"{self.url}/v1/{path}",
                method=method,
                data=json.dumps(body) if body is not None else None,
                headers=headers,
                follow_redirects="none",  # credentials are for this address alone
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
                    "Give its authority as ca_path, or set validate_certs to false."
                ) from error
            raise ApiUnreachable(f"{self.url} does not answer: {reason}") from error
        try:
            answer = json.loads(content) if content else {}
        except ValueError as error:
            raise self._not_the_api() from error
        if not isinstance(answer, dict):
            raise self._not_the_api()
        return answer

    def _not_the_api(self):
        return HostError(f"{self.url} answers, but not as the cluster's API does: is it another program's address?")


def patiently(call, timeout):
    """Return what call() returns, trying again for up to timeout seconds while nobody answers or a fail-over goes on."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return call()
        except (ApiUnreachable, ApiRefused) as error:
            passing = isinstance(error, ApiUnreachable) or error.passing
            if not passing or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _errors(error):
    try:
        errors = json.loads(error.read()).get("errors", [])
    except (ValueError, OSError, AttributeError, http.client.HTTPException):
        return []
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
