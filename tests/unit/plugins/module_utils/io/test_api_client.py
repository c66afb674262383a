# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import api_client
from ansible_collections.waba.cluster.plugins.module_utils.io.api_client import (
    Api,
    ApiRefused,
    ApiUnreachable,
    patiently,
)

TOKEN = {"users": [{"token": "abc"}]}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(api_client, "PAUSE", 0.01)


def refusal(status, code):
    return status, {"errors": [{"code": code, "title": "No", "details": "because"}]}, {}


def test_a_login_gives_the_token_of_the_next_call(server):
    server.answer = lambda *_call: (200, TOKEN, {})
    api = Api(server.connection)
    api.login("admin", "Pässwörd-1")
    api.call("GET", "settings/application")
    basic = base64.b64encode("admin:Pässwörd-1".encode()).decode()
    assert [call[:3] for call in server.calls] == [
        ("POST", "/v1/users/login", f"Basic {basic}"),
        ("GET", "/v1/settings/application", "Bearer abc"),
    ]


def test_a_refusal_is_told_with_the_apis_own_words(server):
    server.answer = lambda *_call: refusal(400, 1009)
    with pytest.raises(ApiRefused, match="HTTP 400: 1009 No: because") as caught:
        Api(server.connection).call("GET", "health")
    assert caught.value.codes == [1009]


@pytest.mark.parametrize(
    "body", [b"<html>", b"", b"[]", b"null", b'{"errors": null}', b'{"errors": ["x", 1]}', b"\xff"]
)
def test_a_refusal_of_any_shape_is_a_refusal(server, body):
    server.answer = lambda *_call: (500, body, {})
    with pytest.raises(ApiRefused, match="HTTP 500"):
        Api(server.connection).call("GET", "health")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"\xff", b'{"users": []}', b'{"users": [1]}', b"{}", b""])
def test_another_program_at_the_address_is_told(server, body):
    server.answer = lambda *_call: (200, body, {})
    with pytest.raises(HostError, match="not as the cluster's API") as caught:
        patiently(lambda: Api(server.connection).login("admin", "Password-1"), 5)
    assert "Password-1" not in str(caught.value)
    assert len(server.calls) == 1


@pytest.mark.parametrize("answer", [None, (200, b"{", {"Content-Length": "9"})])
def test_a_broken_connection_is_unreachable(server, answer):
    server.answer = lambda *_call: answer
    with pytest.raises(ApiUnreachable):
        Api(server.connection).call("GET", "health")


def test_what_speaks_no_tls_is_unreachable(server):
    with pytest.raises(ApiUnreachable):
        Api({**server.connection, "url": "https://127.0.0.1:1"}).call("GET", "health")


def test_an_unknown_certificate_is_refused_at_once_and_names_the_way_out(server):
    api = Api({**server.connection, "ca_path": None})
    tries = []

    def call():
        tries.append(1)
        api.login("admin", "Password-1")

    with pytest.raises(HostError, match="ca_path"):
        patiently(call, 5)
    assert len(tries) == 1
    assert server.calls == []
    server.answer = lambda *_call: (200, TOKEN, {})
    Api({**server.connection, "ca_path": None, "validate_certs": False}).login("admin", "Password-1")


def test_credentials_follow_no_redirection(server, serve):
    with serve() as other:
        other.answer = lambda *_call: (200, {}, {})
        server.answer = lambda *_call: (302, b"", {"Location": other.url + "/v1/health"})
        api = Api(server.connection)
        api.use_key("the-key")
        with pytest.raises(ApiRefused, match="HTTP 302"):
            api.call("GET", "health")
        assert other.calls == []


def test_the_callers_netrc_is_not_used(server, tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login other password other\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    server.answer = lambda *_call: (200, {}, {})
    api = Api(server.connection)
    api.use_key("the-key")
    api.call("GET", "health")
    assert server.calls[0][2] == "Apikey the-key"


@pytest.mark.parametrize("passing", [(503, b"", {}), refusal(503, 1018), refusal(400, 1017), refusal(500, 1017), None])
def test_what_passes_is_tried_again(server, passing):
    answers = [passing, passing, (200, {"a": 1}, {})]
    server.answer = lambda *_call: answers.pop(0)
    assert patiently(lambda: Api(server.connection).call("GET", "health"), 30) == {"a": 1}
    assert answers == []


def test_what_does_not_pass_is_not_tried_again(server):
    server.answer = lambda *_call: refusal(401, 1005)
    with pytest.raises(ApiRefused):
        patiently(lambda: Api(server.connection).call("GET", "health"), 30)
    assert len(server.calls) == 1
    with pytest.raises(ApiUnreachable):
        patiently(lambda: Api({**server.connection, "url": "https://127.0.0.1:1"}).call("GET", "health"), 0.05)


@pytest.mark.parametrize("answer", [(503, b"", {}), None])
def test_a_logout_that_fails_is_no_failure(server, answer):
    server.answer = lambda *_call: answer
    Api(server.connection).logout()
