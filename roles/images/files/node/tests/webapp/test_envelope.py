"""Every answer has the vendor's envelope, and a client's mistake is never a 5xx."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest
from api_support import META, SECRETS, Client, Cluster, error_of, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waba_node.webapp.calls import CALLS
from waba_node.webapp.calls.table import Call

if TYPE_CHECKING:
    from tests.webapp.conftest import FirstLogin

POSTS = ["/v1/users/login", "/v1/account", "/v1/account/verify", "/v1/messages"]


def test_root_answers_without_credentials(anonymous: Client) -> None:
    assert anonymous.call("GET", "/").status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/nothing", "/v1/%0a", "/v1/users/login/x"])
def test_unknown_path_is_404(admin: Client, path: str) -> None:
    assert error_of(admin.call("GET", path)) == (404, 1006)


SLASHES = ["{}/", "{}//", "/{}", "//{}/", "{}/?page=1", "{}//?format=json&a=/b/"]


@pytest.mark.parametrize("slashes", SLASHES)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_additional_slashes_do_not_change_the_call(anonymous: Client, call: Call, slashes: str) -> None:
    """Without credentials, so that no call does anything: an unknown path answers 404, a known one 401 or 200."""
    path = re.sub(r"\{\w+\}", "0", call.path)
    if path != "/":
        expected = anonymous.call(call.method, path)
        answer = send_raw(anonymous, call.method, slashes.format(path))
        assert (answer.status, answer.code) == (
            expected.status_code,
            expected.json().get("errors", [{}])[0].get("code"),
        )


def test_calls_with_a_trailing_slash_work(admin: Client) -> None:
    text = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}
    assert admin.call("POST", "/v1/messages/", text).status_code == 200
    upload = admin.call("POST", "/v1/media/", data=b"x", headers={"Content-Type": "text/plain"})
    name = upload.json()["media"][0]["id"]
    assert admin.call("GET", f"/v1/media/{name}/").content == b"x"
    assert admin.call("GET", "/v1/stats/app/?format=prometheus").headers["Content-Type"].startswith("text/plain")
    assert admin.call("DELETE", f"/v1/media/{name}/").status_code == 200
    assert error_of(admin.call("GET", "/v1/messages/")) == (405, 1006)
    assert error_of(admin.call("GET", "/v1/nothing/")) == (404, 1006)


class RawAnswer(NamedTuple):
    status: int
    code: int | None


def send_raw(client: Client, method: str, path: str) -> RawAnswer:
    """Send a request with a path that HTTP libraries would change."""
    with connection(client) as stream:
        stream.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: stream.recv(65536), b""))
    head, _separator, body = answer.partition(b"\r\n\r\n")
    content = json.loads(body) if b"application/json" in head else {}
    return RawAnswer(int(head.split()[1]), content.get("errors", [{}])[0].get("code"))


def test_meta_reports_a_version_of_the_vendors_client_and_the_implementation(admin: Client) -> None:
    for answer in (admin.call("GET", "/v1/settings/application"), admin.call("GET", "/v1/nothing")):
        assert answer.json()["meta"] == META


def test_plain_http_on_the_https_port_is_answered(admin: Client, cluster: Cluster) -> None:
    place = urlsplit(admin.url)
    for head in ("GET /v1/health HTTP/1.1\r\nHost: {}\r\n\r\n", "POST /v1/messages HTTP/1.0\r\nhost: {}\r\n\r\nx"):
        with socket.create_connection((place.hostname, place.port), timeout=10) as stream:
            stream.sendall(head.format(place.netloc).encode())
            answer = b"".join(iter(lambda: stream.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 400 ")
        content = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert content["errors"][0]["details"] == f"this port accepts HTTPS only: use {admin.url}"
    assert "127.0.0.1 sent plain HTTP to the HTTPS port" in cluster.nodes["webapp1"].log.read_text()


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"\0" * 5000])
def test_broken_connections_do_not_stop_the_server(admin: Client, sent: bytes) -> None:
    place = urlsplit(admin.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as stream:
        stream.sendall(sent)
    assert admin.call("GET", "/").status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("PUT", "/v1/health"), ("TRACE", "/v1/account")])
def test_unsupported_method_is_405(admin: Client, method: str, path: str) -> None:
    refusal = admin.call(method, path)
    assert error_of(refusal) == (405, 1006)
    assert refusal.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b"NaN",
        b'{"to": NaN}',
        b"\xff\xfe",
        "{}".encode("utf-16"),
        b'{"to": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"to": ' + b"9" * 10_000 + b"}",
    ],
)
@pytest.mark.parametrize("path", ["/v1/account", "/v1/messages"])
def test_body_that_is_not_a_json_object_is_refused(admin: Client, path: str, body: bytes) -> None:
    assert error_of(admin.call("POST", path, data=body)) == (400, 1025)


def test_too_large_body_is_refused(admin: Client) -> None:
    assert error_of(admin.call("POST", "/v1/messages", data=b" " * (1 << 20) + b"{}")) == (413, 1025)


def test_body_that_is_too_large_once_decompressed_is_refused(admin: Client) -> None:
    bomb = zlib.compress(b" " * (1 << 24))
    refusal = admin.call("POST", "/v1/messages", data=bomb, headers={"Content-Encoding": "deflate"})
    assert error_of(refusal) == (413, 1025)


def test_body_with_a_wrong_content_encoding_is_refused(admin: Client) -> None:
    refusal = admin.call("POST", "/v1/messages", data=b"{}", headers={"Content-Encoding": "gzip"})
    assert error_of(refusal) == (400, 1025)


@contextlib.contextmanager
def connection(client: Client) -> Iterator[ssl.SSLSocket]:
    place = urlsplit(client.url)
    tls = ssl.create_default_context(cafile=client.certificate)
    with (
        socket.create_connection((place.hostname, place.port), timeout=10) as plain,
        tls.wrap_socket(plain, server_hostname=place.hostname) as stream,
    ):
        yield stream


def test_disconnected_client_is_not_reported_as_a_database_failure(admin: Client, cluster: Cluster) -> None:
    before = cluster.nodes["webapp1"].log.read_text()

    def logged() -> str:
        return cluster.nodes["webapp1"].log.read_text().removeprefix(before)

    head = f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: {admin.session.headers['Authorization']}\r\n"
    with connection(admin) as stream:
        stream.sendall(head.encode() + b'Content-Length: 1000\r\n\r\n{"to":')
    wait_until(lambda: "POST /v1/messages 400" in logged())
    assert "database" not in logged()


@pytest.mark.parametrize(
    "garbage", [b"BREW / HTTP/1.1\r\n\r\n", b"\0" * 100, b"GET / HTTP/1.1\r\nA: \0secret-header\r\n\r\n"]
)
def test_invalid_http_causes_at_most_one_log_line(admin: Client, cluster: Cluster, garbage: bytes) -> None:
    before = cluster.nodes["webapp1"].log.read_text()
    with connection(admin) as stream:
        stream.sendall(garbage)
        assert stream.recv(1000).startswith(b"HTTP/1.0 400")
    assert admin.call("GET", "/").status_code == 200
    logged = cluster.nodes["webapp1"].log.read_text().removeprefix(before).splitlines()
    assert len(logged) <= 1
    assert all(line.startswith("W ") and "secret-header" not in line for line in logged)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = [
    "to",
    "type",
    "text",
    "recipient_type",
    "preview_url",
    "new_password",
    "cc",
    "phone_number",
    "method",
    "cert",
    "code",
]
fields += ["webhooks", "media", "heartbeat_interval", "unhealthy_interval", "sent_status", "log_level", "body"]
bodies = st.dictionaries(st.sampled_from(fields), json_values, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([("PATCH", "/v1/settings/application"), *(("POST", path) for path in POSTS)]), bodies)
def test_no_json_body_causes_a_server_error(admin: Client, call: tuple[str, str], body: dict) -> None:
    answer = admin.call(*call, json=body)
    assert answer.status_code < 500
    assert answer.json()["meta"]["api_status"] == "stable"


def test_logs_contain_no_traceback_and_no_secret(cluster: Cluster, admin: Client, first_login: FirstLogin) -> None:
    logs = cluster.logs()
    assert "Traceback" not in logs
    token = first_login.changed.json()["users"][0]["token"]
    assert not [secret for secret in (*SECRETS, token, token.split(".")[2]) if secret in logs]
