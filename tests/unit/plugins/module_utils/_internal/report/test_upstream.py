# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.upstream import merged, parse, row

CORE = {"role": "coreapp", "gateway_status": "connected", "problem": ""}


def gauge(*values: float) -> dict[str, object]:
    return {"type": "gauge", "help": "", "data": [{"labels": {}, "value": value} for value in values]}


def test_counts_of_coreapps_are_summed() -> None:
    statistics = {
        "wacore1:c1": {"app": {"upstream_messages_uncertain": gauge(2), "upstream_updates_waiting": gauge(0)}},
        "wacore2:c2": {"app": {"upstream_messages_uncertain": gauge(1)}},
        "master:m1": {},
    }
    metrics = {"cloud_webhook_last_received_seconds": gauge(4.5)}
    assert parse(statistics, metrics) == {"uncertain": 3, "waiting": 0, "webhook_age": 4.5}


def test_rate_of_the_number_has_its_throughput_level() -> None:
    rate = {"type": "gauge", "help": "", "data": [{"labels": {"level": "HIGH"}, "value": 1000}]}
    state = parse({f"wacore{shard}:c": {"app": {"upstream_number_rate": rate}} for shard in (1, 2)}, {})
    assert state == {"rate": 1000, "level": "HIGH"}
    assert row(state, [CORE])["state"] == "at most 1000 messages/s (HIGH), no webhook yet"
    assert row({"rate": 40, "level": ""}, [CORE])["state"] == "at most 40 messages/s, no webhook yet"


@pytest.mark.parametrize("answer", [{}, None, []])
def test_metrics_that_no_node_reports_are_absent(answer: object) -> None:
    assert parse(answer, answer) == {}
    assert parse({}, {"cloud_webhook_last_received_seconds": gauge()}) == {}


def test_last_webhook_of_any_webapp_counts() -> None:
    assert merged([{"uncertain": 1}, {"uncertain": 1, "webhook_age": 90}, {"uncertain": 1, "webhook_age": 30}]) == {
        "uncertain": 1,
        "webhook_age": 30,
    }
    assert merged([]) == {}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (7199, "1 h"), (200_000, "2 d")]
)
def test_age_of_the_last_webhook_is_rounded_down(seconds: float, text: str) -> None:
    assert row({"webhook_age": seconds}, [CORE])["state"] == f"last webhook {text} ago"


def test_reason_is_reported_unless_a_coreapp_is_connected() -> None:
    dead = {**CORE, "gateway_status": "disconnected", "problem": "the number is not registered"}
    assert row({}, [CORE, dead])["problem"] == ""
    restricted = {**CORE, "problem": "Meta blocks messages of the number"}
    assert row({}, [restricted, dead])["problem"] == "Meta blocks messages of the number"
    assert row({}, [dead, dead])["problem"] == "the number is not registered"
    assert row({}, [])["problem"] == "no coreapp is connected"
    assert row({}, [CORE])["state"] == "no webhook yet"
