from __future__ import annotations

import datetime

import jwt
import pytest
from api_support import PASSWORD, Client, error_of, wait_until


def test_the_default_password_must_be_changed_first(first_login) -> None:
    assert error_of(first_login.default) == (401, 1024)


def test_a_weak_new_password_is_refused(first_login) -> None:
    assert error_of(first_login.weak) == (400, 1009)


def test_a_login_gives_a_token_for_seven_days(first_login) -> None:
    assert first_login.changed.status_code == 200
    (user,) = first_login.changed.json()["users"]
    expires = datetime.datetime.strptime(user["expires_after"], "%Y-%m-%d %H:%M:%S%z")
    life = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=6, hours=23) < life <= datetime.timedelta(days=7)


@pytest.mark.usefixtures("first_login")
@pytest.mark.parametrize(
    ("username", "password"), [("admin", "secret"), ("admin", ""), ("ADMIN", PASSWORD), ("nobody", PASSWORD)]
)
def test_wrong_credentials_are_refused(anonymous: Client, username: str, password: str) -> None:
    assert error_of(anonymous.login(password, username=username)) == (401, 1005)


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic YWRtaW4=", "Bearer x", "Apikey x"])
def test_a_login_without_proper_credentials_is_refused(anonymous: Client, header: str) -> None:
    assert error_of(anonymous.as_caller(header).call("POST", "/v1/users/login")) == (401, 1005)


def test_every_webapp_takes_the_token_until_the_logout_at_one(
    admin: Client, anonymous: Client, second_webapp: Client
) -> None:
    token = anonymous.login(PASSWORD).json()["users"][0]["token"]
    here, there = (client.as_caller(f"Bearer {token}") for client in (anonymous, second_webapp))
    assert there.call("GET", "/v1/settings/application").status_code == 200
    assert here.call("POST", "/v1/users/logout").status_code == 200
    assert error_of(here.call("GET", "/v1/settings/application")) == (401, 1005)
    wait_until(lambda: there.call("GET", "/v1/settings/application").status_code == 401)
    assert admin.call("GET", "/v1/settings/application").status_code == 200


@pytest.mark.parametrize("key", ["", "another key, which is long enough"])
def test_a_token_signed_with_another_key_is_refused(admin: Client, key: str) -> None:
    genuine = admin.session.headers["Authorization"].split()[1]
    claims = jwt.decode(genuine, options={"verify_signature": False})
    for forged in (jwt.encode(claims, key, "HS256") if key else None, jwt.encode(claims, None, "none")):
        if forged:
            assert error_of(admin.as_caller(f"Bearer {forged}").call("GET", "/v1/settings/application")) == (401, 1005)


def test_a_changed_password_ends_every_session_of_the_user(anonymous: Client, admin: Client) -> None:
    token = admin.session.headers["Authorization"]
    other = "An0ther-password"
    assert anonymous.login(PASSWORD, {"new_password": other}).status_code == 200
    wait_until(lambda: admin.call("GET", "/v1/settings/application").status_code == 401)
    assert error_of(anonymous.login(PASSWORD)) == (401, 1005)
    back = anonymous.login(other, {"new_password": PASSWORD}).json()["users"][0]["token"]
    admin.session.headers["Authorization"] = f"Bearer {back}"  # the other tests' session
    assert admin.session.headers["Authorization"] != token
