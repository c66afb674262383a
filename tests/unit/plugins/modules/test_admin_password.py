# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import admin_password

WANTED = "Wanted-1"
TOKEN = (200, {"users": [{"token": "abc"}]}, {})
REFUSED = (401, {"errors": [{"code": 1005, "title": "Access denied"}]}, {})


def must_change(status: int) -> tuple[int, dict, dict]:
    return status, {"errors": [{"code": 1024, "title": "Password change required"}]}, {}


def logins(server: Any) -> list[tuple[str, str | None]]:
    """Return (password, new password) of every login."""
    return [
        (base64.b64decode(authorization.split()[1]).decode().partition(":")[2], (body or {}).get("new_password"))
        for _method, path, authorization, body in server.calls
        if path.endswith("login")
    ]


@pytest.mark.parametrize(
    "weak", ["Short-1", "nouppercase-1", "NOLOWERCASE-1", "NoDigits-", "NoSpecial1", "A-1" + "a" * 62]
)
def test_a_weak_password_is_refused_before_any_call(run: Callable[..., dict], server: Any, weak: str) -> None:
    answer = run(admin_password, **server.connection, password=weak)
    assert answer["failed"]
    assert weak not in answer["msg"]
    assert server.calls == []


def test_nothing_changes_when_the_password_is_set(run: Callable[..., dict], server: Any) -> None:
    server.answer = lambda *_call: TOKEN
    answer = run(admin_password, **server.connection, password=WANTED)
    assert (answer["changed"], answer["login"]) == (False, "accepted")
    assert [path for _method, path, *_rest in server.calls] == ["/v1/users/login", "/v1/users/logout"]


@pytest.mark.parametrize("status", [401, 400])
def test_the_initial_password_is_changed_and_the_change_is_verified(
    run: Callable[..., dict], server: Any, status: int
) -> None:
    login = [REFUSED, must_change(status), TOKEN, TOKEN]
    server.answer = lambda _method, path, *_rest: login.pop(0) if path.endswith("login") else (200, {}, {})
    answer = run(admin_password, **server.connection, password=WANTED)
    assert (answer["changed"], answer["login"]) == (True, "initial")
    assert logins(server) == [(WANTED, None), ("secret", None), ("secret", WANTED), (WANTED, None)]
    assert WANTED not in str(answer["diff"])


def test_a_change_that_had_no_effect_is_an_error(run: Callable[..., dict], server: Any) -> None:
    login = [REFUSED, TOKEN, TOKEN, REFUSED]
    server.answer = lambda _method, path, *_rest: login.pop(0) if path.endswith("login") else (200, {}, {})
    assert "did not accept" in run(admin_password, **server.connection, password=WANTED)["msg"]


def test_a_wanted_password_that_must_be_changed_is_an_error(run: Callable[..., dict], server: Any) -> None:
    server.answer = lambda _method, _path, _authorization, body: TOKEN if body else must_change(401)
    answer = run(admin_password, **server.connection, password=WANTED, initial_password=WANTED)
    assert answer["failed"]


def test_check_mode_predicts_the_change_and_makes_none(run: Callable[..., dict], server: Any) -> None:
    server.answer = lambda *_call: must_change(401) if len(server.calls) > 1 else REFUSED
    assert run(admin_password, check_mode=True, **server.connection, password=WANTED)["changed"]
    assert logins(server) == [(WANTED, None), ("secret", None)]
    unreachable = {**server.connection, "url": "https://127.0.0.1:1"}
    assert run(admin_password, check_mode=True, **unreachable, password=WANTED)["changed"]


def test_an_unknown_password_is_an_error_after_two_logins(run: Callable[..., dict], server: Any) -> None:
    server.answer = lambda *_call: REFUSED
    assert "initial_password" in run(admin_password, **server.connection, password=WANTED)["msg"]
    assert len(server.calls) == 2
