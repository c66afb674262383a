# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.modules import application_settings

FOUND = {"unhealthy_interval": 30, "webhooks": {"url": "", "max_concurrent_requests": 6}, "api_token": "one-secret"}


@pytest.fixture
def change(run, server):
    """Run the module against a server that has FOUND, then `after`."""

    def module(after=None, logout=(200, {}, {}), check_mode=False, **params):
        reads = [FOUND, after or FOUND]

        def answer(method, path, *_rest):
            if path.endswith("logout"):
                return logout
            if path.endswith("login"):
                return 200, {"users": [{"token": "abc"}]}, {}
            return 200, {"settings": {"application": reads.pop(0)}} if method == "GET" else {}, {}

        server.answer = answer
        return run(application_settings, check_mode=check_mode, **server.connection, password="Wanted-1", **params)

    return module


def written(server):
    return [(method, body) for method, path, _authorization, body in server.calls if method in ("PATCH", "DELETE")]


def test_only_what_differs_is_sent_and_shown(change, server):
    after = {**FOUND, "webhooks": {"url": "https://example.org", "max_concurrent_requests": 6}}
    answer = change(after, settings={"unhealthy_interval": "30", "webhooks": {"url": "https://example.org"}})
    assert (answer["changed"], answer["settings"]) == (True, after)
    assert written(server) == [("PATCH", {"webhooks": {"url": "https://example.org"}})]
    assert "unhealthy_interval" not in answer["diff"]["before"] + answer["diff"]["after"]


def test_without_settings_it_only_reads(change, server):
    answer = change()
    assert (answer["changed"], answer["settings"]) == (False, FOUND)
    assert written(server) == []


def test_check_mode_predicts_and_writes_nothing(change, server):
    answer = change(check_mode=True, settings={"webhooks": {"url": "https://example.org"}})
    assert answer["settings"]["webhooks"] == {"url": "https://example.org", "max_concurrent_requests": 6}
    assert answer["changed"]
    assert written(server) == []


def test_a_reset_shows_what_it_changed_and_no_secret(change, server):
    answer = change({**FOUND, "unhealthy_interval": 5, "api_token": "another"}, state="absent")
    assert written(server) == [("DELETE", None)]
    assert "unhealthy_interval" in answer["diff"]["after"]
    assert "webhooks" not in answer["diff"]["after"]
    assert "one-secret" not in answer["diff"]["before"]


def test_a_logout_that_fails_hides_no_change(change):
    answer = change({**FOUND, "unhealthy_interval": 9}, logout=(503, b"", {}), settings={"unhealthy_interval": 9})
    assert (answer["changed"], answer.get("failed", False)) == (True, False)
