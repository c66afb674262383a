# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import api_client
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import (
    Api,
    ApiRefused,
    ApiUnreachable,
    retry,
)

TOKEN = {"users": [{"token": "abc"}]}


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "RETRY_INTERVAL", 0.01)


def no_command(*arguments: Any, **_options: Any) -> tuple[int, str, str]:
    raise AssertionError(f"no command is needed: {arguments}")


def refusal(status: int, code: int) -> tuple[int, dict, dict]:
    return status, {"errors": [{"code": code, "title": "No", "details": "because"}]}, {}


def test_calls_after_a_login_use_its_token(server: Any) -> None:
    server.answer = lambda *_call: (200, TOKEN, {})
    api = Api(server.connection, no_command)
    api.login("admin", "Pässwörd-1")
    api.call("GET", "settings/application")
    basic = base64.b64encode("admin:Pässwörd-1".encode()).decode()
    assert [call[:3] for call in server.calls] == [
        ("POST", "/v1/users/login", f"Basic {basic}"),
        ("GET", "/v1/settings/application", "Bearer abc"),
    ]


def test_a_refusal_contains_the_errors_of_the_api(server: Any) -> None:
    server.answer = lambda *_call: refusal(400, 1009)
    with pytest.raises(ApiRefused, match="HTTP 400: 1009 No: because") as caught:
        Api(server.connection, no_command).call("GET", "health")
    assert caught.value.codes == [1009]


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"null", b'{"errors": null}', b'{"errors": ["x", 1]}', b"\xff"]
)
def test_a_refusal_with_any_body_is_a_refusal(server: Any, body: bytes) -> None:
    server.answer = lambda *_call: (500, body, {})
    with pytest.raises(ApiRefused, match="HTTP 500"):
        Api(server.connection, no_command).call("GET", "health")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"\xff", b'{"users": []}', b'{"users": [1]}', b"{}", b""])
def test_an_answer_that_is_not_the_apis_is_an_error(server: Any, body: bytes) -> None:
    server.answer = lambda *_call: (200, body, {})
    with pytest.raises(HostError, match="not as the cluster's API") as caught:
        retry(lambda: Api(server.connection, no_command).login("admin", "Password-1"), 5)
    assert "Password-1" not in str(caught.value)
    assert len(server.calls) == 1


@pytest.mark.parametrize("answer", [None, (200, b"{", {"Content-Length": "9"})])
def test_a_broken_connection_is_unreachable(server: Any, answer: Any) -> None:
    server.answer = lambda *_call: answer
    with pytest.raises(ApiUnreachable):
        Api(server.connection, no_command).call("GET", "health")


def test_a_closed_port_is_unreachable(server: Any) -> None:
    with pytest.raises(ApiUnreachable):
        Api({**server.connection, "url": "https://127.0.0.1:1"}, no_command).call("GET", "health")


def test_an_untrusted_certificate_is_refused_without_a_retry_and_ca_path_is_named(server: Any) -> None:
    api = Api({**server.connection, "ca_path": None}, no_command)
    tries = []

    def call() -> None:
        tries.append(1)
        api.login("admin", "Password-1")

    with pytest.raises(HostError, match="ca_path"):
        retry(call, 5)
    assert len(tries) == 1
    assert server.calls == []
    server.answer = lambda *_call: (200, TOKEN, {})
    Api({**server.connection, "ca_path": None, "validate_certs": False}, no_command).login("admin", "Password-1")


def webapp_serves(monkeypatch: pytest.MonkeyPatch, *certificates: Any) -> list[tuple[str, int]]:
    """Let the webapp of this host serve these certificates, one a call. Return the calls."""
    calls, answers = [], list(certificates)

    def read(_run_command: Any, cluster: str, port: int) -> bytes | None:
        calls.append((cluster, port))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(api_client.webapp_certificate, "read", read)
    return calls


def der(path: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert("-----BEGIN CERT" + Path(path).read_text().partition("-----BEGIN CERT")[2])


def test_the_self_signed_certificate_of_the_hosts_own_webapp_is_verified(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = lambda *_call: (200, TOKEN, {})
    calls = webapp_serves(monkeypatch, der(server.ca_path))
    url = server.url.replace("127.0.0.1", "localhost")  # a name that the certificate does not have
    api = Api({"url": url, "validate_certs": True, "ca_path": None, "cluster_name": "waba"}, no_command)
    api.login("admin", "Password-1")
    api.logout()
    assert calls == [("waba", int(url.rpartition(":")[2]))], "it is read once"
    assert len(server.calls) == 2


def test_another_server_at_the_address_of_the_webapp_gets_no_credentials(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = webapp_serves(monkeypatch, b"another")
    api = Api({**server.connection, "cluster_name": "waba"}, no_command)
    with pytest.raises(HostError, match="another certificate than the webapp of the cluster waba"):
        retry(lambda: api.login("admin", "Password-1"), 5)
    assert (server.calls, len(calls)) == ([], 1)


def test_a_webapp_whose_certificate_cannot_be_read_yet_is_unreachable(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = lambda *_call: (200, TOKEN, {})
    webapp_serves(monkeypatch, HostError("no running webapp"), der(server.ca_path))
    api = Api({**server.connection, "cluster_name": "waba"}, no_command)
    with pytest.raises(ApiUnreachable, match="no running webapp"):
        api.call("GET", "health")
    api.call("GET", "health")


def test_an_exchanged_certificate_is_read_again(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = lambda *_call: (200, TOKEN, {})
    calls = webapp_serves(monkeypatch, der(server.ca_path))
    api = Api({**server.connection, "cluster_name": "waba"}, no_command)
    api.certificate = b"former"
    api.call("GET", "health")
    assert len(calls) == 1


def test_the_vendors_webapp_is_called_without_verification(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = lambda *_call: (200, TOKEN, {})
    webapp_serves(monkeypatch, None)
    Api({**server.connection, "ca_path": None, "cluster_name": "waba"}, no_command).call("GET", "health")
    assert len(server.calls) == 1


@pytest.mark.parametrize("url", ["http://localhost:9090", "localhost:9090", "https://"])
def test_an_address_without_https_is_refused(url: str) -> None:
    with pytest.raises(HostError, match="https://HOST:PORT"):
        Api({"url": url, "validate_certs": True, "ca_path": None}, no_command).call("GET", "health")


def test_a_missing_file_of_the_authority_is_named(server: Any) -> None:
    with pytest.raises(HostError, match="ca_path: /nowhere"):
        Api({**server.connection, "ca_path": "/nowhere.pem"}, no_command).call("GET", "health")


def test_credentials_are_not_sent_after_a_redirection(server: Any, serve: Any) -> None:
    with serve() as other:
        other.answer = lambda *_call: (200, {}, {})
        server.answer = lambda *_call: (302, b"", {"Location": other.url + "/v1/health"})
        api = Api(server.connection, no_command)
        api.use_api_key("the-key")
        with pytest.raises(ApiRefused, match="HTTP 302"):
            api.call("GET", "health")
        assert other.calls == []


def test_the_netrc_file_of_the_user_is_ignored(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login other password other\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    server.answer = lambda *_call: (200, {}, {})
    api = Api(server.connection, no_command)
    api.use_api_key("the-key")
    api.call("GET", "health")
    assert server.calls[0][2] == "Apikey the-key"


@pytest.mark.parametrize(
    "transient", [(503, b"", {}), refusal(503, 1018), refusal(400, 1017), refusal(500, 1017), None]
)
def test_a_transient_error_is_retried(server: Any, transient: Any) -> None:
    answers = [transient, transient, (200, {"a": 1}, {})]
    server.answer = lambda *_call: answers.pop(0)
    assert retry(lambda: Api(server.connection, no_command).call("GET", "health"), 30) == {"a": 1}
    assert answers == []


def test_a_permanent_error_is_not_retried_and_the_timeout_ends_retries(server: Any) -> None:
    server.answer = lambda *_call: refusal(401, 1005)
    with pytest.raises(ApiRefused):
        retry(lambda: Api(server.connection, no_command).call("GET", "health"), 30)
    assert len(server.calls) == 1
    with pytest.raises(ApiUnreachable):
        retry(lambda: Api({**server.connection, "url": "https://127.0.0.1:1"}, no_command).call("GET", "health"), 0.05)


@pytest.mark.parametrize("answer", [(503, b"", {}), None])
def test_a_failed_logout_is_ignored(server: Any, answer: Any) -> None:
    server.answer = lambda *_call: answer
    Api(server.connection, no_command).logout()
