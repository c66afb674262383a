"""The keys that a webapp accepts while they are rotated. Needs no database."""

from __future__ import annotations

import time

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from waba_node.config import DatabaseConfig
from waba_node.store.engine import Database
from waba_node.webapp.errors import ApiError
from waba_node.webapp.sessions import Sessions, has_api_key

KEYS = {name: name * 32 for name in ("old", "new")}
# The key that signs, and the one that is accepted too.
PHASES = [("old", ""), ("old", "new"), ("new", "old"), ("new", "")]


def sessions(first: str, second: str) -> Sessions:
    config = DatabaseConfig(host="127.0.0.1", port=1, user="u", password="p", name="waba", idle_timeout=1)
    made = Sessions(Database(config), KEYS[first], KEYS.get(second, ""))
    made.key = made.configured_key
    return made


def request(authorization: str) -> web.Request:
    return make_mocked_request("GET", "/v1/users", headers={"Authorization": authorization})


def token(key: str, seconds: int = 60) -> str:
    return jwt.encode({"jti": "t1", "exp": int(time.time()) + seconds}, KEYS[key], algorithm="HS256")


@pytest.mark.parametrize("signing", range(len(PHASES)))
@pytest.mark.parametrize("verifying", range(len(PHASES)))
def test_webapps_in_the_same_or_neighbouring_phases_accept_each_others_tokens(signing: int, verifying: int) -> None:
    given = request(f"Bearer {token(PHASES[signing][0])}")
    webapp = sessions(*PHASES[verifying])
    if PHASES[signing][0] in PHASES[verifying]:
        assert webapp._token_id(given) == "t1"
        return
    assert abs(signing - verifying) > 1
    with pytest.raises(ApiError):
        webapp._token_id(given)


@pytest.mark.parametrize("key", ["old", "new"])
def test_expired_token_is_refused_with_either_key(key: str) -> None:
    with pytest.raises(ApiError):
        sessions("new", "old")._token_id(request(f"Bearer {token(key, -60)}"))


@pytest.mark.parametrize(
    ("given", "keys", "accepted"),
    [
        ("Apikey new", ("new", "old"), True),
        ("Apikey old", ("new", "old"), True),
        ("Apikey old", ("new", ""), False),
        ("Apikey ", ("new", ""), False),
        ("Apikey ", ("", ""), False),
        ("Bearer new", ("new", "old"), False),
    ],
)
def test_each_of_two_api_keys_is_accepted(given: str, keys: tuple[str, str], accepted: bool) -> None:
    assert has_api_key(request(given), keys) is accepted
