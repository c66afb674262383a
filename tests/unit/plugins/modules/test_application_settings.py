# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import application_settings

CURRENT = {"unhealthy_interval": 30, "webhooks": {"url": "", "max_concurrent_requests": 6}, "api_token": "one-secret"}


@pytest.fixture
def change(run: Callable[..., dict], server: Any) -> Callable[..., dict]:
    """Run the module. The server first has the settings CURRENT, then `after`."""

    def module(
        after: dict | None = None, logout: tuple = (200, {}, {}), check_mode: bool = False, **params: Any
    ) -> dict:
        reads = [CURRENT, after or CURRENT]

        def answer(method: str, path: str, *_rest: object) -> tuple:
            if path.endswith("logout"):
                return logout
            if path.endswith("login"):
                return 200, {"users": [{"token": "abc"}]}, {}
            return 200, {"settings": {"application": reads.pop(0)}} if method == "GET" else {}, {}

        server.answer = answer
        return run(application_settings, check_mode=check_mode, **server.connection, password="Wanted-1", **params)

    return module


def requests(server: Any) -> list[tuple[str, Any]]:
    return [(method, body) for method, path, _authorization, body in server.calls if method in ("PATCH", "DELETE")]


def test_only_settings_that_differ_are_sent_and_in_the_diff(change: Callable[..., dict], server: Any) -> None:
    after = {**CURRENT, "webhooks": {"url": "https://example.org", "max_concurrent_requests": 6}}
    answer = change(after, settings={"unhealthy_interval": "30", "webhooks": {"url": "https://example.org"}})
    assert (answer["changed"], answer["settings"]) == (True, after)
    assert requests(server) == [("PATCH", {"webhooks": {"url": "https://example.org"}})]
    assert "unhealthy_interval" not in answer["diff"]["before"] + answer["diff"]["after"]


def test_without_settings_nothing_is_changed(change: Callable[..., dict], server: Any) -> None:
    answer = change()
    assert (answer["changed"], answer["settings"]) == (False, CURRENT)
    assert requests(server) == []


def test_check_mode_predicts_the_settings_and_changes_none(change: Callable[..., dict], server: Any) -> None:
    answer = change(check_mode=True, settings={"webhooks": {"url": "https://example.org"}})
    assert answer["settings"]["webhooks"] == {"url": "https://example.org", "max_concurrent_requests": 6}
    assert answer["changed"]
    assert requests(server) == []


def test_the_diff_of_a_reset_contains_the_changes_but_no_secret(change: Callable[..., dict], server: Any) -> None:
    answer = change({**CURRENT, "unhealthy_interval": 5, "api_token": "another"}, state="absent")
    assert requests(server) == [("DELETE", None)]
    assert "unhealthy_interval" in answer["diff"]["after"]
    assert "webhooks" not in answer["diff"]["after"]
    assert "one-secret" not in answer["diff"]["before"]


def test_a_failed_logout_does_not_hide_the_change(change: Callable[..., dict]) -> None:
    answer = change({**CURRENT, "unhealthy_interval": 9}, logout=(503, b"", {}), settings={"unhealthy_interval": 9})
    assert (answer["changed"], answer.get("failed", False)) == (True, False)
