from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import jwt
import pytest
from api_support import PASSWORD, Client, Cluster, error_of, healthy, wait_until

if TYPE_CHECKING:
    from tests.webapp.conftest import FirstLogin


def test_default_password_must_be_changed(first_login: FirstLogin) -> None:
    assert error_of(first_login.default) == (401, 1024)


def test_weak_new_password_is_refused(first_login: FirstLogin) -> None:
    assert error_of(first_login.weak) == (400, 1009)


def test_login_returns_a_token_for_seven_days(first_login: FirstLogin) -> None:
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
def test_login_without_basic_credentials_is_refused(anonymous: Client, header: str) -> None:
    assert error_of(anonymous.as_caller(header).call("POST", "/v1/users/login")) == (401, 1005)


def test_token_is_valid_on_every_webapp_until_the_logout(
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
def test_token_signed_with_another_key_is_refused(admin: Client, key: str) -> None:
    genuine = admin.session.headers["Authorization"].split()[1]
    claims = jwt.decode(genuine, options={"verify_signature": False})
    for forged in (jwt.encode(claims, key, "HS256") if key else None, jwt.encode(claims, None, "none")):
        if forged:
            assert error_of(admin.as_caller(f"Bearer {forged}").call("GET", "/v1/settings/application")) == (401, 1005)


def test_password_change_ends_every_session_of_the_user(anonymous: Client, admin: Client) -> None:
    token = admin.session.headers["Authorization"]
    other = "An0ther-password"
    assert anonymous.login(PASSWORD, {"new_password": other}).status_code == 200
    wait_until(lambda: admin.call("GET", "/v1/settings/application").status_code == 401)
    assert error_of(anonymous.login(PASSWORD)) == (401, 1005)
    back = anonymous.login(other, {"new_password": PASSWORD}).json()["users"][0]["token"]
    admin.session.headers["Authorization"] = f"Bearer {back}"  # the other tests' session
    assert admin.session.headers["Authorization"] != token


# -- users -------------------------------------------------------------------------------------------------------------

PATH = "/v1/users"


@pytest.fixture
def user(admin: Client) -> Iterator[Client]:
    """The session of a user without administrator rights; `name` is the user's name."""
    name = "clerk-" + secrets.token_hex(4)
    made = admin.call("POST", PATH, {"username": name, "password": PASSWORD})
    assert made.status_code == 201
    assert made.json()["users"] == [{"username": name, "ROLES": "ROLE_USER"}]
    session = admin.login(PASSWORD, username=name)
    client = admin.as_caller(f"Bearer {session.json()['users'][0]['token']}")
    client.name = name
    yield client
    admin.call("DELETE", f"{PATH}/{name}")


def logged_in(client: Client) -> bool:
    return client.call("GET", f"{PATH}/{client.name}").status_code == 200


def test_user_has_no_administrator_rights(user: Client) -> None:
    assert logged_in(user)
    assert error_of(user.call("GET", "/v1/settings/application")) == (403, 1005)
    assert error_of(user.call("POST", PATH, {"username": "friend", "password": PASSWORD})) == (403, 1005)
    assert error_of(user.call("GET", f"{PATH}/admin")) == (403, 1005)
    assert error_of(user.call("GET", f"{PATH}/nobody")) == (403, 1005)
    assert error_of(user.call("PUT", f"{PATH}/admin", {"password": "An0ther-password"})) == (403, 1005)
    assert error_of(user.call("PUT", f"{PATH}/{user.name}", {"ROLES": "ROLE_ADMIN"})) == (403, 1005)
    assert error_of(user.call("DELETE", f"{PATH}/{user.name}")) == (403, 1005)


@pytest.mark.parametrize("role", [{}, {"ROLES": "ROLE_ADMIN"}, {"ROLES": "ROLE_USER"}, {"ROLES": None}])
def test_duplicate_user_name_is_refused_and_changes_nothing(admin: Client, user: Client, role: dict) -> None:
    again = admin.call("POST", PATH, {"username": user.name, "password": "An0ther-password", **role})
    assert error_of(again) == (500, 1014)
    assert "Already exist" in again.json()["errors"][0]["details"]
    assert admin.login(PASSWORD, username=user.name).status_code == 200
    assert admin.call("GET", f"{PATH}/{user.name}").json()["users"][0]["ROLES"] == "ROLE_USER"


@pytest.mark.parametrize("caller", ["admin", "user"])
def test_new_password_ends_the_sessions_of_the_user_on_every_webapp(
    admin: Client, user: Client, second_webapp: Client, caller: str
) -> None:
    there = second_webapp.as_caller(user.session.headers["Authorization"])
    there.name = user.name
    assert logged_in(there)
    changer = admin if caller == "admin" else user
    assert changer.call("PUT", f"{PATH}/{user.name}", {"password": "An0ther-password"}).status_code == 200
    assert not logged_in(user)
    wait_until(lambda: not logged_in(there), 3)
    assert error_of(admin.login(PASSWORD, username=user.name)) == (401, 1005)
    assert admin.login("An0ther-password", username=user.name).status_code == 200


def test_deleted_user_is_logged_out_on_every_webapp(admin: Client, user: Client, second_webapp: Client) -> None:
    there = second_webapp.as_caller(user.session.headers["Authorization"])
    there.name = user.name
    assert logged_in(there)
    assert admin.call("DELETE", f"{PATH}/{user.name}").status_code == 200
    assert not logged_in(user)
    wait_until(lambda: not logged_in(there), 3)
    assert error_of(admin.login(PASSWORD, username=user.name)) == (401, 1005)
    for method, body in (("GET", None), ("PUT", {"password": PASSWORD}), ("DELETE", None)):
        assert error_of(admin.call(method, f"{PATH}/{user.name}", body)) == (404, 1006)


def test_last_administrator_cannot_be_removed(admin: Client, user: Client) -> None:
    assert error_of(admin.call("DELETE", f"{PATH}/admin")) == (403, 1005)
    assert error_of(admin.call("PUT", f"{PATH}/admin", {"ROLES": "ROLE_USER"})) == (403, 1005)
    assert admin.call("GET", f"{PATH}/admin").json()["users"] == [{"username": "admin", "ROLES": "ROLE_ADMIN"}]


def test_two_administrators_cannot_delete_each_other(admin: Client) -> None:
    names = ["first-admin", "second-admin"]
    for name in names:
        made = admin.call("POST", PATH, {"username": name, "password": PASSWORD, "ROLES": "ROLE_ADMIN"})
        assert made.status_code == 201
    tokens = [admin.login(PASSWORD, username=name).json()["users"][0]["token"] for name in names]
    first, second = (admin.as_caller(f"Bearer {token}") for token in tokens)
    assert first.call("PUT", f"{PATH}/admin", {"ROLES": "ROLE_USER"}).status_code == 200
    with ThreadPoolExecutor(2) as both:
        calls = (
            both.submit(client.call, "DELETE", f"{PATH}/{name}") for client, name in zip((first, second), names[::-1])
        )
        outcomes = sorted(call.result().status_code for call in list(calls))
    assert outcomes[0] == 200
    assert outcomes[1] in (401, 403, 404)
    left = first if logged_in_as(first, names[0]) else second
    assert left.call("PUT", f"{PATH}/admin", {"ROLES": "ROLE_ADMIN"}).status_code == 200
    admin.session.headers["Authorization"] = f"Bearer {admin.login(PASSWORD).json()['users'][0]['token']}"
    for name in names:
        admin.call("DELETE", f"{PATH}/{name}")


def logged_in_as(client: Client, name: str) -> bool:
    return client.call("GET", f"{PATH}/{name}").status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"username": "abc", "password": PASSWORD}, 1009),
        ({"username": "a" * 33, "password": PASSWORD}, 1009),
        ({"username": "a/b/c", "password": PASSWORD}, 1009),
        ({"username": "name\n", "password": PASSWORD}, 1009),
        ({"username": "name", "password": "weak"}, 1009),
        ({"username": "name", "password": None}, 1008),
        ({"username": "name", "password": PASSWORD, "ROLES": "ROLE_KING"}, 1009),
        ({"username": "name"}, 1008),
        ({"password": PASSWORD}, 1008),
    ],
)
def test_invalid_user_is_refused(admin: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("POST", PATH, body)) == (400, code)


@pytest.mark.parametrize(("body", "code"), [({}, 1008), ({"password": "weak"}, 1009), ({"ROLES": ""}, 1009)])
def test_invalid_change_of_a_user_is_refused(admin: Client, user: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("PUT", f"{PATH}/{user.name}", body)) == (400, code)
    assert logged_in(user)


def test_passwords_are_stored_as_hashes(admin: Client, user: Client, cluster: Cluster) -> None:
    rows = cluster.rows("SELECT username, password FROM api_user")
    assert user.name in {name for name, _password in rows}
    for _name, password in rows:
        assert re.fullmatch(r"scrypt\$[\w+/=]{24}\$[\w+/=]{88}", password)


def test_deleted_first_administrator_is_not_created_again(admin: Client, cluster: Cluster) -> None:
    admin.call("POST", PATH, {"username": "other-admin", "password": PASSWORD, "ROLES": "ROLE_ADMIN"})
    other = admin.as_caller(f"Bearer {admin.login(PASSWORD, username='other-admin').json()['users'][0]['token']}")
    try:
        assert other.call("DELETE", f"{PATH}/admin").status_code == 200
        cluster.nodes["webapp2"].stop()
        cluster.start_webapp("webapp2")
        wait_until(lambda: healthy(cluster.nodes["webapp2"]))
        assert error_of(other.call("GET", f"{PATH}/admin")) == (404, 1006)
    finally:
        other.call("POST", PATH, {"username": "admin", "password": PASSWORD, "ROLES": "ROLE_ADMIN"})
        admin.session.headers["Authorization"] = f"Bearer {admin.login(PASSWORD).json()['users'][0]['token']}"
        admin.call("DELETE", f"{PATH}/other-admin")
