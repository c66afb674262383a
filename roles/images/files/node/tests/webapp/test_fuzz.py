"""Random requests, valid and invalid: no server error, no undescribed answer, no leaked secret.

WABA_FUZZ_EXAMPLES: random requests per call. `make fuzz` sends many, and also every request that schemathesis derives from the document's
bounds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from api_support import PASSWORD, SECRETS, Client, Cluster
from conformance import DOCUMENT, assert_conforms
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("WABA_FUZZ_EXAMPLES", "0"))
QUICK = 3
RETRY_LATER = {1011, 1014, 1017, 1018, 1023}  # codes that may accompany 503
SETTINGS = "/v1/settings/application"

schemathesis.serializer.alias("application/x-pem-file", "application/octet-stream")
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.config.phases.coverage.enabled = bool(EXAMPLES)
schema.config.generation.update(with_security_parameters=False)


class Fuzzer:
    """An administrator who logs in again when a request ends the session."""

    name = "fuzz-admin"

    def __init__(self, admin: Client, cluster: Cluster) -> None:
        self.admin, self.cluster = admin, cluster
        self.answered: Counter[int] = Counter()
        self.secrets = (*SECRETS, cluster.database.password, "scrypt$", "Traceback")
        admin.call("POST", "/v1/users", {"username": self.name, "password": PASSWORD, "ROLES": "ROLE_ADMIN"})
        self.log_in()

    def log_in(self) -> None:
        token = self.admin.login(PASSWORD, username=self.name).json()["users"][0]["token"]
        self.client = self.admin.as_caller(f"Bearer {token}")

    def send(self, case: schemathesis.Case) -> None:
        """Send a request. The answer is described, not a server error, and contains no secret."""
        restrict(case)
        request = case.as_transport_kwargs(base_url=self.client.url, headers=dict(self.client.session.headers))
        answer = self.client.session.request(**request, timeout=60)
        self.answered[answer.status_code] += 1
        assert answer.status_code < 500 or allowed(answer), answer.text
        assert not [secret for secret in self.secrets if secret in answer.text]
        path = answer.request.url.removeprefix(self.client.url)
        assert_conforms(answer.request.method, path, answer)
        if answer.status_code == 401 or case.path in ("/v1/users/logout", "/v1/users/{name}"):
            self.log_in()


def allowed(answer: requests.Response) -> bool:
    """Return whether a 5xx is documented: a temporary failure, or a user who already exists."""
    error = answer.json()["errors"][0]
    if answer.status_code == 500:
        return error["code"] == 1014 and "Already exist" in error["details"]
    return answer.status_code == 503 and error["code"] in RETRY_LATER


def restrict(case: schemathesis.Case) -> None:
    """Remove parts that would send webhooks to other machines, cause a failover or delete the test's own users."""
    if case.path == SETTINGS and isinstance(case.body, dict):
        for name in ("heartbeat_interval", "unhealthy_interval"):
            case.body.pop(name, None)
        if isinstance(case.body.get("webhooks"), dict):
            case.body["webhooks"].pop("url", None)
    if case.path == "/v1/users/{name}" and case.path_parameters.get("name") in ("admin", Fuzzer.name):
        case.path_parameters["name"] = "nobody"


@pytest.fixture(scope="module")
def fuzzer(admin: Client, cluster: Cluster) -> Iterator[Fuzzer]:
    made = Fuzzer(admin, cluster)
    yield made
    for path in (
        SETTINGS,
        "/v1/settings/account/two-step",
        "/v1/certificates/webhooks/ca",
        "/v1/certificates/external",
        f"/v1/users/{made.name}",
    ):
        assert admin.call("DELETE", path).status_code == 200
    for provider in admin.call("GET", f"{SETTINGS}/media/providers").json()["settings"]["application"]["media"][
        "providers"
    ]:
        admin.call("DELETE", f"{SETTINGS}/media/providers/{provider['name']}")
    assert "Traceback" not in cluster.logs()
    print(f"\n{made.answered.total()} requests, by status: {dict(sorted(made.answered.items()))}")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES or QUICK,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_causes_a_server_error(case: schemathesis.Case, fuzzer: Fuzzer) -> None:
    fuzzer.send(case)


def test_some_requests_were_accepted_and_some_refused(fuzzer: Fuzzer) -> None:
    assert fuzzer.answered[200] > 20
    assert fuzzer.answered[400] > 20
