from __future__ import annotations

import time

from waba_node.runtime.health import GRACE, Health
from waba_node.runtime.statistics import process_metrics


def test_subjects_are_those_of_the_health_line() -> None:
    health = Health()
    health.clear("start")
    assert (health.line(), health.subjects()) == ("ok", [])
    health.report("database", "the database does not answer")
    health.expect("lease", 5.0)
    assert health.subjects() == ["database"]
    health.due["lease"] = time.monotonic() - GRACE - 1
    assert health.subjects() == ["database", "lease"]
    assert health.line().startswith("unhealthy: the database does not answer; lease is ")


def test_problems_are_a_metric_with_their_subjects() -> None:
    assert "process_problems" not in process_metrics([])
    [sample] = process_metrics(["schema"], (("node", "webapp1"),))["process_problems"]["data"]
    assert sample == {"labels": {"node": "webapp1", "subject": "schema"}, "value": 1}
