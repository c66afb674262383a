# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.compose.convergence import Action
from ansible_collections.waba.cluster.plugins.module_utils.report.drift import UNKNOWN, file_drift, service_drift


def test_a_file_is_told_of_when_it_is_missing_other_unknown_or_open():
    wanted = dict.fromkeys(("same", "missing", "other", "open", "given"), ("text", 384))
    found = {
        "same": ("text", 0o600, 0),
        "other": ("changed", 0o600, 0),
        "open": ("text", 0o644, 0),
        "given": ("text", 0o600, 1000),
        "left": ("text", 0o600, 0),
    }
    assert file_drift(wanted, found, 0) == {
        "missing": "it is not there",
        "other": "it is not what the inventory says",
        "open": "its mode is 0644 and its owner 0",
        "given": "its mode is 0600 and its owner 1000",
        "left": UNKNOWN,
    }


def seen(service, **more):
    return {
        "service": service,
        "role": "coreapp",
        "container": "c",
        "image": "i",
        "state": "running",
        "health": "healthy",
        **more,
    }


def test_a_service_is_told_of_with_what_would_be_done_about_it():
    planned = [{"name": name, "role": "coreapp"} for name in ("well", "stopped", "gone", "ill")]
    observed = [
        seen("well"),
        seen("stopped", state="exited", health="unhealthy"),
        seen("ill", health="unhealthy"),
        seen("stranger"),
    ]
    actions = [Action("stopped", "start", "it is exited"), Action("stranger", "remove", "it is no longer in the file")]
    rows = service_drift(planned, observed, actions)
    assert {row["service"]: row["drift"] for row in rows} == {
        "well": [],
        "stopped": ["it is exited"],
        "gone": ["it has no container"],
        "ill": ["it is unhealthy"],
        "stranger": [UNKNOWN],
    }
    assert [row["role"] for row in rows] == ["coreapp"] * 5
