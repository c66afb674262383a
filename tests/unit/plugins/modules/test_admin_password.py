# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64

import pytest
from ansible_collections.waba.cluster.plugins.modules import admin_password

WANTED = "Wanted-1"
TOKEN = (200, {"users": [{"token": "abc"}]}, {})
REFUSED = (401, {"errors": [{"code": 1005, "title": "Access denied"}]}, {})


def must_change(status):
    return status, {"errors": [{"code": 1024, "title": "Password change required"}]}, {}


def logins(server):
    """The passwords of the logins so far, each with the new one that came with it."""
    return [
        (base64.b64decode(authorization.split()[1]).decode().partition(":")[2], (body or {}).get("new_password"))
        for _method, path, authorization, body in server.calls
        if path.endswith("login")
    ]


@pytest.mark.parametrize(
    "weak", ["Short-1", "nouppercase-1", "NOLOWERCASE-1", "NoDigits-", "NoSpecial1", "A-1" + "a" * 62]
)
def test_a_weak_password_is_refused_before_any_call(run, server, weak):
    answer = run(admin_password, **server.connection, password=weak)
    assert answer["failed"]
    assert weak not in answer["msg"]
    assert server.calls == []


def test_where_the_password_is_right_nothing_changes(run, server):
    server.answer = lambda *_call: TOKEN
    assert not run(admin_password, **server.connection, password=WANTED)["changed"]
    assert [path for _method, path, *_rest in server.calls] == ["/v1/users/login", "/v1/users/logout"]


@pytest.mark.parametrize("status", [401, 400])
def test_a_first_login_changes_it_and_proves_that(run, server, status):
    login = [REFUSED, must_change(status), TOKEN, TOKEN]
    server.answer = lambda _method, path, *_rest: login.pop(0) if path.endswith("login") else (200, {}, {})
    answer = run(admin_password, **server.connection, password=WANTED)
    assert answer["changed"]
    assert logins(server) == [(WANTED, None), ("secret", None), ("secret", WANTED), (WANTED, None)]
    assert WANTED not in str(answer["diff"])


def test_a_change_that_was_not_made_is_no_success(run, server):
    login = [REFUSED, TOKEN, TOKEN, REFUSED]
    server.answer = lambda _method, path, *_rest: login.pop(0) if path.endswith("login") else (200, {}, {})
    assert "did not take" in run(admin_password, **server.connection, password=WANTED)["msg"]


def test_a_password_that_must_be_changed_is_not_yet_the_admins(run, server):
    server.answer = lambda _method, _path, _authorization, body: TOKEN if body else must_change(401)
    answer = run(admin_password, **server.connection, password=WANTED, initial_password=WANTED)
    assert answer["failed"]


def test_check_mode_predicts_and_never_changes(run, server):
    server.answer = lambda *_call: must_change(401) if len(server.calls) > 1 else REFUSED
    assert run(admin_password, check_mode=True, **server.connection, password=WANTED)["changed"]
    assert logins(server) == [(WANTED, None), ("secret", None)]
    nobody = {**server.connection, "url": "https://127.0.0.1:1"}
    assert run(admin_password, check_mode=True, **nobody, password=WANTED)["changed"]


def test_another_password_is_said_and_not_guessed(run, server):
    server.answer = lambda *_call: REFUSED
    assert "initial_password" in run(admin_password, **server.connection, password=WANTED)["msg"]
    assert len(server.calls) == 2
