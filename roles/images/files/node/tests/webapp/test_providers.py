from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_support import Client, error_of

PATH = "/v1/settings/application/media/providers"
BEARER = {"name": "shop", "type": "www", "config": {"bearer": "bearer-of-the-shop"}}
BASIC = {
    "name": "archive",
    "type": "www",
    "config": {"basic": {"username": "reader", "password": "Passw0rd-of-archive"}},
}


def read(admin: Client) -> list[dict]:
    return admin.call("GET", PATH).json()["settings"]["application"]["media"]["providers"]


@pytest.fixture
def _providers(admin: Client) -> Iterator[None]:
    assert admin.call("POST", PATH, [BEARER, BASIC]).status_code == 200
    yield
    for provider in read(admin):
        assert admin.call("DELETE", f"{PATH}/{provider['name']}").status_code == 200


@pytest.mark.usefixtures("_providers")
def test_providers_are_added_replaced_and_deleted_by_name(admin: Client, second_webapp: Client) -> None:
    assert read(admin) == [BEARER, BASIC]
    other = {**BEARER, "config": {"bearer": "another"}}
    assert admin.call("POST", PATH, [other]).status_code == 200
    assert read(second_webapp.as_caller(admin.session.headers["Authorization"])) == [other, BASIC]
    assert admin.call("DELETE", f"{PATH}/archive").status_code == 200
    assert read(admin) == [other]
    assert error_of(admin.call("DELETE", f"{PATH}/archive")) == (404, 1006)


@pytest.mark.usefixtures("_providers")
def test_credentials_are_returned_to_administrators_only_and_never_logged(
    admin: Client, monitor: Client, cluster: Any
) -> None:
    assert error_of(monitor.call("GET", PATH)) == (401, 1005)
    settings = admin.call("GET", "/v1/settings/application").text
    for secret in (BEARER["config"]["bearer"], BASIC["config"]["basic"]["password"]):
        assert secret not in settings
        assert secret not in cluster.logs()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "a/b"}, 1009),
        ({"name": ""}, 1009),
        ({"name": ...}, 1008),
        ({"type": "ftp"}, 1009),
        ({"config": {}}, 1009),
        ({"config": {**BEARER["config"], **BASIC["config"]}}, 1009),
        ({"config": {"basic": {"username": "x"}}}, 1008),
    ],
)
def test_one_invalid_provider_refuses_the_whole_list(admin: Client, change: dict, code: int) -> None:
    wrong = {name: value for name, value in {**BEARER, **change}.items() if value is not ...}
    assert error_of(admin.call("POST", PATH, [BASIC, wrong])) == (400, code)
    assert read(admin) == []


def test_provider_body_must_be_a_list(admin: Client) -> None:
    assert error_of(admin.call("POST", PATH, BEARER)) == (400, 1025)
