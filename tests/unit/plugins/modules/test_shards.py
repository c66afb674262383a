# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.modules import shards


@pytest.fixture
def ask(run, server, monkeypatch):
    """Run the module against a server whose map has these numbers of shards, one a look, and which answers the change so."""
    monkeypatch.setattr(shards, "PAUSE", 0)

    def module(*numbers, change=(201, {}, {}), check_mode=False, **params):
        reads = list(numbers)

        def answer(method, path, *_rest):
            if path.endswith("login"):
                return 200, {"users": [{"token": "abc"}]}, {}
            if path.endswith("shards"):
                return change if method == "POST" else (200, {"account": {"shards": reads.pop(0)}}, {})
            return 200, {}, {}

        server.answer = answer
        return run(shards, check_mode=check_mode, **server.connection, password="Wanted-1", timeout=1, **params)

    return module


def asked(server):
    return [
        body for method, path, _authorization, body in server.calls if (method, path) == ("POST", "/v1/account/shards")
    ]


def test_nothing_is_asked_for_when_the_number_is_right(ask, server):
    answer = ask(2, shards=2)
    assert (answer["changed"], asked(server)) == (False, [])


def test_another_number_is_asked_for_once_and_waited_for(ask, server):
    answer = ask(1, 1, 1, 2, shards=2)
    assert (answer["changed"], answer["shards"]) == (True, 1)
    assert asked(server) == [{"cc": "0", "phone_number": "0000", "shards": 2}]


def test_check_mode_predicts_it(ask, server):
    answer = ask(1, shards=2, check_mode=True)
    assert (answer["changed"], asked(server)) == (True, [])


def test_a_number_that_is_not_the_registered_one_names_the_settings(ask):
    errors = {"errors": [{"code": 1005, "title": "Access denied", "details": "not the registered one"}]}
    answer = ask(1, shards=2, change=(403, errors, {}), pin="123456")
    assert answer["failed"]
    assert "waba_shards_phone_number" in answer["msg"]
    assert "123456" not in str(answer["msg"])


def test_a_map_that_stays_as_it_was_is_an_error(ask):
    answer = ask(*[1] * 100000, shards=2)
    assert answer["failed"]
    assert "still has not 2 shards" in answer["msg"]
