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
from urllib.parse import urlsplit

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import webapp_certificate
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.client_tls import client_context

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
    """A session with one webapp. params: see `argspec.API_OPTIONS`. run_command: that of AnsibleModule."""

    def __init__(self, params: dict[str, Any], run_command: Callable[..., tuple[int, str, str]]) -> None:
        self.run_command = run_command
        self.url = params["url"].rstrip("/")
        self.cluster = params.get("cluster_name")
        self.certificate: bytes | None = None  # of the webapp, once it was read
        self.verify, self.ca_path = params["validate_certs"] and not self.cluster, params["ca_path"]
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
        text = json.dumps(body) if body is not None else None
        try:
            status, content = self._exchange(method, path if path.startswith("/") else f"/v1/{path}", text, headers)
        except ssl.SSLCertVerificationError as error:
            raise HostError(
                f"{self.url}: its certificate is not trusted ({error.verify_message}). "
                "Set ca_path to the certificate of its authority, or set validate_certs to false."
            ) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ApiUnreachable(f"{self.url} does not answer: {error}") from error
        # No redirection is followed, so that the credentials are sent to no other address.
        if not http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
            raise ApiRefused(status, _errors(content))
        try:
            answer = json.loads(content) if content else {}
        except ValueError as error:
            raise self._not_the_api() from error
        if not isinstance(answer, dict):
            raise self._not_the_api()
        return answer

    def _exchange(self, method: str, path: str, text: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of an answer. Raises ApiUnreachable, HostError, OSError, ValueError, HTTPException."""
        place = urlsplit(self.url)
        if place.scheme != "https" or not place.hostname:
            raise HostError(f"{self.url} is not the URL of an API. Write https://HOST:PORT.")
        tls = _tls(self.verify, self.ca_path)
        connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=REQUEST_TIMEOUT, context=tls)
        try:
            connection.connect()
            if self.cluster:
                self._verify(self.cluster, connection)
            connection.request(method, f"{place.path}{path}", text, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _verify(self, cluster: str, connection: http.client.HTTPSConnection) -> None:
        """Raise HostError unless the server is the webapp of this host. It must present the certificate that is read inside the webapp's container."""
        presented = connection.sock.getpeercert(binary_form=True)
        if presented == self.certificate:
            return
        try:
            self.certificate = webapp_certificate.read(self.run_command, cluster, connection.port)
        except HostError as error:
            raise ApiUnreachable(f"{self.url} cannot be verified: {error}") from error
        if self.certificate not in (None, presented):
            raise HostError(
                f"{self.url} presents another certificate than the webapp of the cluster {cluster} on this host. "
                "Check whether another program has this address."
            )

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


def _tls(verify: bool, ca_path: str | None) -> ssl.SSLContext:
    """Return the TLS context of a client. Raises HostError if the file of the authority cannot be used."""
    try:
        context = client_context(ca_path) if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except OSError as error:
        raise HostError(f"ca_path: {ca_path} cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _errors(content: bytes) -> list[dict[str, Any]]:
    try:
        errors = json.loads(content).get("errors", [])
    except (ValueError, AttributeError):
        return []
    return [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
