"""Access to every call of the tables."""

from __future__ import annotations

import re

import pytest
from api_support import PASSWORD, Client, error_of
from waba_node.webapp.calls import CALLS
from waba_node.webapp.calls.table import ADMIN, CREDENTIALS, KEY, OPEN, USER, Call


def callable_by(*kinds: str) -> pytest.MarkDecorator:
    calls = [call for call in CALLS if call.access in kinds]
    return pytest.mark.parametrize("call", calls, ids=[f"{call.method} {call.path}" for call in calls])


def place(call: Call) -> tuple[str, str]:
    return call.method, re.sub(r"\{\w+\}", "0", call.path)


@callable_by(OPEN)
def test_open_call_needs_no_credentials(anonymous: Client, call: Call) -> None:
    assert anonymous.call(*place(call)).status_code == 200


@callable_by(KEY, USER, ADMIN, CREDENTIALS)
def test_other_calls_require_credentials(anonymous: Client, call: Call) -> None:
    assert error_of(anonymous.call(*place(call))) == (401, 1005)
    for wrong in ("Apikey wrong", "Apikey", "Bearer", "Bearer x", "Basic x"):
        assert error_of(anonymous.as_caller(wrong).call(*place(call))) == (401, 1005)


@callable_by(KEY)
def test_monitoring_calls_accept_the_api_key_and_any_token(
    monitor: Client, admin: Client, anonymous: Client, call: Call
) -> None:
    assert monitor.call(*place(call)).status_code == 200
    assert admin.call(*place(call)).status_code == 200


@callable_by(USER, ADMIN, CREDENTIALS)
def test_other_calls_refuse_the_api_key(monitor: Client, call: Call) -> None:
    assert error_of(monitor.call(*place(call))) == (401, 1005)


@pytest.fixture(scope="module")
def user(admin: Client) -> Client:
    """A user without administrator rights."""
    assert admin.call("POST", "/v1/users", {"username": "no-admin", "password": PASSWORD}).status_code in (201, 400)
    return admin.as_caller(f"Bearer {admin.login(PASSWORD, username='no-admin').json()['users'][0]['token']}")


@callable_by(ADMIN)
def test_administrator_calls_refuse_other_users(user: Client, call: Call) -> None:
    assert error_of(user.call(*place(call))) == (403, 1005)
