# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import shard_count


@pytest.fixture
def set_count(run: Callable[..., dict], server: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Run the module. The server reports these numbers of shards, one for each request, and answers the change with `change`."""
    monkeypatch.setattr(shard_count, "RETRY_INTERVAL", 0)

    def module(*numbers: int, change: tuple = (201, {}, {}), check_mode: bool = False, **params: Any) -> dict:
        reports = list(numbers)

        def answer(method: str, path: str, *_rest: object) -> tuple:
            if path.endswith("login"):
                return 200, {"users": [{"token": "abc"}]}, {}
            if path.endswith("shards"):
                return change if method == "POST" else (200, {"account": {"shards": reports.pop(0)}}, {})
            return 200, {}, {}

        server.answer = answer
        return run(shard_count, check_mode=check_mode, **server.connection, password="Wanted-1", timeout=1, **params)

    return module


def requests(server: Any) -> list[dict]:
    return [
        body for method, path, _authorization, body in server.calls if (method, path) == ("POST", "/v1/account/shards")
    ]


def test_nothing_is_requested_when_the_number_is_correct(set_count: Callable[..., dict], server: Any) -> None:
    answer = set_count(2, shards=2)
    assert (answer["changed"], requests(server)) == (False, [])


def test_another_number_is_requested_once_and_waited_for(set_count: Callable[..., dict], server: Any) -> None:
    answer = set_count(1, 1, 1, 2, shards=2)
    assert (answer["changed"], answer["previous"]) == (True, 1)
    assert requests(server) == [{"cc": "0", "phone_number": "0000", "shards": 2}]


def test_check_mode_predicts_the_change_and_requests_nothing(set_count: Callable[..., dict], server: Any) -> None:
    answer = set_count(1, shards=2, check_mode=True)
    assert (answer["changed"], requests(server)) == (True, [])


def test_a_number_that_is_not_registered_is_an_error_that_names_the_settings(set_count: Callable[..., dict]) -> None:
    errors = {"errors": [{"code": 1005, "title": "Access denied", "details": "not the registered one"}]}
    answer = set_count(1, shards=2, change=(403, errors, {}), pin="123456")
    assert answer["failed"]
    assert "waba_shards_phone_number" in answer["msg"]
    assert "123456" not in str(answer["msg"])


def test_a_shard_map_that_does_not_change_is_an_error(set_count: Callable[..., dict]) -> None:
    answer = set_count(*[1] * 100000, shards=2)
    assert answer["failed"]
    assert "does not have 2 shards yet" in answer["msg"]
