"""Statistics, metrics and support information of every node."""

from __future__ import annotations

import json

import pytest
from api_support import SECRETS, Client, Cluster, error_of, wait_until
from prometheus_client.parser import text_string_to_metric_families

NODES = {"127.0.0.1:coreapp1", "127.0.0.1:coreapp2", "127.0.0.1:master1"}
SETTINGS = "/v1/settings/application"
TEXT = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}


def families(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return name -> (labels, value) of the text format, parsed as Prometheus does."""
    read: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:  # the parser appends _total to the name of a counter
            read.setdefault(sample.name.removesuffix("_total"), []).append((sample.labels, sample.value))
    return read


def values(client: Client, kind: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric on all nodes: label values -> value."""
    stats = client.call("GET", f"/v1/stats/{kind}").json()["stats"]
    samples = [sample for node in stats.values() for sample in node.get(kind, {}).get(name, {}).get("data", [])]
    return {tuple(sample["labels"].values()): sample["value"] for sample in samples}


@pytest.mark.parametrize("kind", ["app", "app/internal", "db", "db/internal"])
def test_both_formats_have_the_same_samples(monitor: Client, kind: str) -> None:
    monitor.call("GET", f"/v1/stats/{kind}")  # this call is counted too
    in_json = monitor.call("GET", f"/v1/stats/{kind}").json()["stats"]
    assert set(in_json) == NODES
    text = families(monitor.call("GET", f"/v1/stats/{kind}?format=prometheus").text)
    named = {
        (name, node, tuple(sorted(sample["labels"].items())))
        for node, metrics in in_json.items()
        for name, metric in metrics.get(kind.split("/")[0], {}).items()
        for sample in metric["data"]
    }
    shown = {
        (name, labels.pop("node"), tuple(sorted(labels.items())))
        for name, all_of in text.items()
        for labels, _value in all_of
    }
    assert shown == named
    assert shown


@pytest.mark.parametrize("kind", ["db", "db/internal"])
def test_only_the_primary_master_reports_database_statistics(monitor: Client, kind: str) -> None:
    stats = monitor.call("GET", f"/v1/stats/{kind}").json()["stats"]
    assert [node for node, counted in stats.items() if counted] == ["127.0.0.1:master1"]


@pytest.mark.parametrize("wanted", ["", "json", "prometheus%0a"])
def test_unknown_format_is_refused(monitor: Client, wanted: str) -> None:
    assert error_of(monitor.call("GET", f"/v1/stats/app?format={wanted}")) == (400, 1009)


def test_messages_and_webhook_deliveries_are_counted(admin: Client, receiver) -> None:
    sent = values(admin, "db", "db_messages").get(("delivered",), 0)
    tried = values(admin, "app", "callback_requests").get(("success", "status_change"), 0)
    try:
        assert admin.call("PATCH", SETTINGS, {"webhooks": {"url": receiver.url}}).status_code == 200
        name = admin.call("POST", "/v1/messages", TEXT).json()["messages"][0]["id"]
        receiver.wait(lambda: (name, "delivered") in receiver.statuses())
        wait_until(lambda: values(admin, "app", "callback_requests").get(("success", "status_change"), 0) >= tried + 2)
        assert values(admin, "db", "db_messages")[("delivered",)] == sent + 1
        durations = values(admin, "app", "callback_requests_duration_ms_sum")
        assert durations[("success", "status_change")] > 0
    finally:
        admin.call("DELETE", SETTINGS)


def test_webhooks_for_a_failing_receiver_are_counted_as_pending(admin: Client, receiver) -> None:
    receiver.answers = [500]
    failed = values(admin, "app", "callback_requests").get(("failure", "status_change"), 0)
    try:
        assert admin.call("PATCH", SETTINGS, {"webhooks": {"url": receiver.url}}).status_code == 200
        assert admin.call("POST", "/v1/messages", TEXT).status_code == 200
        wait_until(lambda: values(admin, "app", "callback_requests").get(("failure", "status_change"), 0) >= failed + 2)
        assert values(admin, "app", "callback_queue_size")[()] >= 2
        assert values(admin, "db", "db_pending_callbacks")[()] >= 2
        receiver.answers = [200]
        assert admin.call("PATCH", SETTINGS, {"callback_backoff_delay_ms": 10}).status_code == 200
        wait_until(lambda: values(admin, "app", "callback_queue_size")[()] == 0)
    finally:
        admin.call("DELETE", SETTINGS)


# -- the webapp's own --------------------------------------------------------------------------------------------------


def test_calls_are_counted_with_database_and_coreapp_durations(
    admin: Client, monitor: Client, cluster: Cluster
) -> None:
    def counted(name: str, **labels: str) -> dict[str, float]:
        shown = families(monitor.call("GET", "/metrics").text).get(name, [])
        return {each.get("node", ""): value for each, value in shown if labels.items() <= each.items()}

    call = {"method": "POST_v1_messages", "result": "success"}
    before = counted("api_requests_duration_ms_count", **call).get("", 0)
    assert admin.call("POST", "/v1/messages", TEXT).status_code == 200
    assert counted("api_requests_duration_ms_count", **call)[""] == before + 1
    assert counted("api_requests_duration_ms_sum", **call)[""] > 0
    assert counted("api_requests_db_duration_ms_count", **call)[""] > 0
    assert set(counted("api_requests_coreapp_duration_ms_count", **call)) <= NODES - {"127.0.0.1:master1"}
    assert counted("api_requests_coreapp_duration_ms_sum", **call)


def test_webapp_reports_connections_and_requests(monitor: Client) -> None:
    shown = families(monitor.call("GET", "/metrics").text)
    assert shown["web_connections"][0][1] >= 1
    assert shown["web_requests"] == [({"state": "processing"}, 1)]
    assert shown["web_handled_requests"][0][1] > 0
    assert shown["web_out_kbytes"][0][1] >= 0


# -- support -----------------------------------------------------------------------------------------------------------


def test_support_describes_every_node_without_secrets(admin: Client, cluster: Cluster) -> None:
    answer = admin.call("GET", "/v1/support").json()["support"]
    assert set(answer) == NODES | {"127.0.0.1:webapp1"}
    for node in answer.values():
        assert node["debug_info"] == "ok"
        assert node["schema"]["waba"].isdigit()
        assert node["free_space_data"] > 0
    text = json.dumps(answer)
    assert not [secret for secret in (*SECRETS, cluster.database.password) if secret in text]
