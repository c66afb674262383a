# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import cluster_health_info

QUESTION = {"api_key": "health-key", "expect": {"masters": 0, "coreapps": 1}, "login": {"password": "Wanted-1"}}
HEALTH = (200, {"health": {"core1:abc": {"role": "coreapp", "gateway_status": "connected"}}}, {})
ACCEPTED = (200, {"users": [{"token": "abc"}]}, {})
REFUSED = (401, {"errors": [{"code": 1005, "title": "Access denied"}]}, {})
MUST_CHANGE = (401, {"errors": [{"code": 1024, "title": "Password change required"}]}, {})
FAILED = (500, {"errors": [{"code": 1000, "title": "Generic error"}]}, {})


@pytest.mark.parametrize(
    ("logins", "outcome"),
    [
        ([ACCEPTED], "accepted"),
        ([REFUSED, MUST_CHANGE], "initial"),
        ([REFUSED, ACCEPTED], "initial"),
        ([REFUSED, REFUSED], "refused"),
        ([FAILED], "unknown"),
    ],
)
def test_one_call_reports_the_health_and_with_which_password_the_admin_logs_in(
    run: Callable[..., dict], server: Any, logins: list, outcome: str
) -> None:
    answers = list(logins)
    server.answer = lambda _method, path, *_rest: answers.pop(0) if path.endswith("login") else HEALTH
    answer = run(cluster_health_info, **server.connection, **QUESTION)
    assert (answer["login"], len(answer["nodes"]), answer["changed"]) == (outcome, 1, False)
    assert answers == []


def test_an_api_that_does_not_answer_tells_nothing_about_the_password(run: Callable[..., dict], server: Any) -> None:
    answer = run(cluster_health_info, **{**server.connection, "url": "https://127.0.0.1:1"}, **QUESTION)
    assert (answer["login"], answer["healthy"]) == ("unknown", False)
