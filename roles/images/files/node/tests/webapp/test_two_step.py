from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_support import Client, Cluster, error_of

PATH = "/v1/settings/account/two-step"
NUMBER = {"cc": "49", "phone_number": "15112345678", "method": "sms", "cert": "c2VjcmV0"}


@pytest.fixture
def pin(admin: Client) -> Iterator[str]:
    assert admin.call("POST", PATH, {"pin": "483920"}).status_code == 200
    yield "483920"
    assert admin.call("DELETE", PATH).status_code == 200


def test_registration_requires_the_pin_while_two_step_verification_is_enabled(admin: Client, pin: str) -> None:
    for wrong in ({}, {"pin": None}, {"pin": ""}, {"pin": "000000"}):
        assert error_of(admin.call("POST", "/v1/account", {**NUMBER, **wrong})) == (403, 1005)
    assert admin.call("POST", "/v1/account", {**NUMBER, "pin": pin}).status_code in (201, 202)
    assert admin.call("DELETE", PATH).status_code == 200
    assert admin.call("POST", "/v1/account", NUMBER).status_code in (201, 202)


def test_pin_is_stored_as_a_hash(admin: Client, pin: str, cluster: Cluster) -> None:
    ((content,),) = cluster.rows("SELECT content FROM document WHERE name = 'two_step'")
    assert "scrypt$" in content
    assert pin not in content


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1008),
        ({"pin": 12345}, 1009),
        ({"pin": "12345"}, 1009),
        ({"pin": "1234567"}, 1009),
        ({"pin": "12345x"}, 1009),
    ],
)
def test_pin_must_have_six_digits(admin: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("POST", PATH, body)) == (400, code)
