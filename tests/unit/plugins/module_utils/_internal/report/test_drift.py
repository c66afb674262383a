# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.convergence import Action
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.drift import (
    UNKNOWN,
    file_drift,
    service_drift,
)


def test_differences_of_files_are_reported() -> None:
    wanted = dict.fromkeys(("same", "missing", "other", "open", "given"), ("text", 384))
    found = {
        "same": ("text", 0o600, 0),
        "other": ("changed", 0o600, 0),
        "open": ("text", 0o644, 0),
        "given": ("text", 0o600, 1000),
        "left": ("text", 0o600, 0),
    }
    assert file_drift(wanted, found, 0) == {
        "missing": "it is missing",
        "other": "it differs from the inventory",
        "open": "its mode is 0644 and its owner 0",
        "given": "its mode is 0600 and its owner 1000",
        "left": UNKNOWN,
    }


def observation(service: str, **more: str) -> dict[str, str]:
    return {
        "service": service,
        "role": "coreapp",
        "container": "c",
        "image": "i",
        "state": "running",
        "health": "healthy",
        **more,
    }


def test_services_are_reported_with_the_steps_that_they_need() -> None:
    planned = [{"name": name, "role": "coreapp"} for name in ("healthy", "stopped", "absent", "ill")]
    observed = [
        observation("healthy"),
        observation("stopped", state="exited", health="unhealthy"),
        observation("ill", health="unhealthy"),
        observation("unknown"),
    ]
    actions = [Action("stopped", "start", "it is exited"), Action("unknown", "remove", "it is no longer in the file")]
    rows = service_drift(planned, observed, actions)
    assert {row["service"]: row["drift"] for row in rows} == {
        "healthy": [],
        "stopped": ["it is exited"],
        "absent": ["it has no container"],
        "ill": ["it is unhealthy"],
        "unknown": [UNKNOWN],
    }
    assert [row["role"] for row in rows] == ["coreapp"] * 5
