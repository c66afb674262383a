from __future__ import annotations

import pytest
from api_support import Client, error_of

NUMBER = {"cc": "49", "phone_number": "15112345678", "method": "sms", "cert": "c2VjcmV0"}


def test_registration_completes_with_the_sent_code(admin: Client) -> None:
    begun = admin.call("POST", "/v1/account", NUMBER)
    assert begun.status_code == 202
    assert begun.json()["account"][0]["vname"]
    for wrong in ({}, {"code": ""}, {"code": "999999"}, {"code": "no code"}):
        assert error_of(admin.call("POST", "/v1/account/verify", wrong)) == (403, 1005)
    verified = admin.call("POST", "/v1/account/verify", {"code": "123-456"})
    assert (verified.status_code, verified.content) == (201, b"")
    settings = admin.call("GET", "/v1/settings/application").json()["settings"]["application"]
    assert settings["wa_id"] == "4915112345678"
    assert admin.call("POST", "/v1/account", NUMBER).status_code == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cc": None}, 1008),
        ({"cc": "+49"}, 1009),
        ({"cc": "49\n"}, 1009),
        ({"phone_number": "015112345678901234"}, 1009),
        ({"phone_number": [15112345678]}, 1009),
        ({"method": "pigeon"}, 1009),
        ({"cert": ...}, 1008),
        ({"method": ...}, 1008),
    ],
)
def test_invalid_registration_is_refused(admin: Client, change: dict, code: int) -> None:
    body = {name: value for name, value in {**NUMBER, **change}.items() if value is not ...}
    assert error_of(admin.call("POST", "/v1/account", body)) == (400, code)
