"""Statistics, metrics and support information of every node."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from api_support import SECRETS, Client, Cluster, error_of, wait_until
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from tests.conftest import Receiver

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
    """Return the sums of a metric over all nodes: label values -> sum."""
    stats = client.call("GET", f"/v1/stats/{kind}").json()["stats"]
    total: Counter[tuple[str, ...]] = Counter()
    for node in stats.values():
        for sample in node.get(kind, {}).get(name, {}).get("data", []):
            total[tuple(sample["labels"].values())] += sample["value"]
    return total


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
    served = {
        (name, labels.pop("node"), tuple(sorted(labels.items())))
        for name, all_of in text.items()
        for labels, _value in all_of
    }
    assert served == named
    assert served


@pytest.mark.parametrize("kind", ["db", "db/internal"])
def test_only_the_primary_master_reports_database_statistics(monitor: Client, kind: str) -> None:
    stats = monitor.call("GET", f"/v1/stats/{kind}").json()["stats"]
    assert [node for node, counted in stats.items() if counted] == ["127.0.0.1:master1"]


@pytest.mark.parametrize("wanted", ["", "xml", "prometheus%0a"])
def test_unknown_format_is_refused(monitor: Client, wanted: str) -> None:
    assert error_of(monitor.call("GET", f"/v1/stats/app?format={wanted}")) == (400, 1009)


def test_messages_and_webhook_deliveries_are_counted(admin: Client, receiver: Receiver) -> None:
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


def test_webhooks_for_a_failing_receiver_are_counted_as_pending(admin: Client, receiver: Receiver) -> None:
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


# Metric names of the vendor's public pages: /docs/whatsapp/api/stats and /docs/whatsapp/api/metrics.
APP_METRICS = """
callback_queue_size callback_requests callback_requests_duration_ms_count callback_requests_duration_ms_sum concurrent_rate_limit_triggered
db_request_duration_us_count db_request_duration_us_sum db_request_error_duration_us_count db_request_error_duration_us_sum endpoint_requests
endpoint_requests_duration_ms_count endpoint_requests_duration_ms_sum in_message_decoded in_message_from_server in_message_persisted
in_messages_pending_processing internal_server_conn_duration_ms_count internal_server_conn_duration_ms_sum
internal_server_requests_duration_ms_count internal_server_requests_duration_ms_sum media_downloads media_uploads out_message_persisted
out_message_sent_duration_ms_count out_message_sent_duration_ms_sum out_message_status pending_callbacks pending_messages
"""
DB_METRICS = "db_contacts db_message_receipts db_messages db_pending_callbacks db_pending_messages"
WEB_METRICS = {  # name -> type
    "web_uptime": "gauge",
    "web_connections": "counter",
    "web_pending_connections": "gauge",
    "web_max_pending_connections": "gauge",
    "web_queue_len": "gauge",
    "web_idle_processes": "gauge",
    "web_total_processes": "gauge",
    "web_process_limit_hit": "counter",
    "web_handled_requests": "counter",
    "web_out_kbytes": "counter",
    "web_requests": "gauge",
    "api_requests_duration_ms_count": "counter",
    "api_requests_duration_ms_sum": "counter",
    "api_requests_db_duration_ms_count": "counter",
    "api_requests_db_duration_ms_sum": "counter",
    "api_requests_coreapp_duration_ms_count": "counter",
    "api_requests_coreapp_duration_ms_sum": "counter",
}
PROCESS_METRICS = {"process_uptime_seconds": "gauge", "process_resident_memory_bytes": "gauge"}  # our own


def test_every_documented_metric_is_reported(monitor: Client) -> None:
    app = monitor.call("GET", "/v1/stats/app").json()["stats"]
    for node in NODES:
        assert app[node]["app"].keys() >= set(APP_METRICS.split())
        assert all(metric["data"] for metric in app[node]["app"].values())
    db = monitor.call("GET", "/v1/stats/db").json()["stats"]["127.0.0.1:master1"]["db"]
    assert db.keys() >= set(DB_METRICS.split())


def cluster_metrics(monitor: Client) -> dict[str, list[tuple[dict[str, str], float]]]:
    return families(monitor.call("GET", "/v1/stats/cluster?format=prometheus").text)


def test_cluster_metrics_name_roles_connections_and_owners(monitor: Client) -> None:
    metrics = cluster_metrics(monitor)
    assert {labels["node"]: (labels["kind"], value) for labels, value in metrics["cluster_node_up"]} == {
        node: ("master" if "master" in node else "coreapp", 1) for node in NODES
    }
    info = {labels["node"]: labels for labels, _one in metrics["cluster_node_info"]}
    assert info["127.0.0.1:master1"]["role"] == "primary_master"
    assert {labels["version"] for labels in info.values()} == {"1.0.0"}
    [(shard, epoch)] = metrics["cluster_shard_epoch"]
    assert (shard["shard"], info[shard["owner"]]["gateway_status"]) == ("0", "connected")
    assert epoch >= 1
    [(lease, lease_epoch)] = metrics["cluster_lease_epoch"]
    assert lease == {"holder": "127.0.0.1:master1"}
    assert lease_epoch >= 1
    assert [value for _labels, value in metrics["cluster_node_refused"]] == [0, 0, 0]


def test_cluster_metrics_have_the_same_samples_in_json(monitor: Client) -> None:
    answer = monitor.call("GET", "/v1/stats/cluster").json()["stats"]["cluster"]
    in_json = {
        (name, tuple(sorted(sample["labels"].items())), sample["value"])
        for name, metric in answer.items()
        for sample in metric["data"]
    }
    text = cluster_metrics(monitor)
    assert in_json == {
        (name, tuple(sorted(labels.items())), value) for name, all_of in text.items() for labels, value in all_of
    }


def test_messages_are_counted_on_their_way_through_a_coreapp(admin: Client) -> None:
    def counted(name: str) -> float:
        return sum(values(admin, "app", name).values())

    names = ("out_message_persisted", "out_message_status", "in_message_from_server", "db_request_duration_us_count")
    before = [counted(name) for name in names]
    assert (
        admin.call("POST", "/v1/messages", {**TEXT, "biz_opaque_callback_data": "loopback:answer"}).status_code == 200
    )
    for name, start, least in zip(names, before, (1, 2, 1, 1), strict=True):
        wait_until(lambda name=name, start=start, least=least: counted(name) >= start + least)


# -- the webapp's own metrics ------------------------------------------------------------------------------------------


def web_metrics(client: Client) -> dict[str, dict]:
    return client.call("GET", "/metrics").json()["metrics"]


def test_metrics_are_json_by_default_with_the_documented_names_types_and_labels(monitor: Client) -> None:
    monitor.call("GET", "/v1/health")
    metrics = web_metrics(monitor)
    assert {name: metric["type"] for name, metric in metrics.items()} == WEB_METRICS | PROCESS_METRICS
    for name, metric in metrics.items():
        assert metric["help"]
        assert metric["data"], name
        assert {sample["labels"]["node"] for sample in metric["data"]} == {"webapp1"}
    assert {sample["labels"]["state"] for sample in metrics["web_requests"]["data"]} == {"read", "handle-request"}
    assert metrics["web_queue_len"]["data"][0]["value"] > 0


@pytest.mark.parametrize(
    ("path", "accept", "is_text"),
    [
        ("/metrics", "*/*", False),
        ("/metrics", "application/json, text/plain, */*", False),
        ("/metrics", "text/plain, */*", False),
        ("/metrics", "text/plain, application/json, application/*+json, */*", False),
        ("/metrics", "text/plain", True),
        ("/metrics", "", False),
        ("/metrics", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", False),
        ("/metrics/?format=prometheus", "*/*", True),
        ("/metrics", "text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("/metrics", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        ("/metrics?format=json", "text/plain", False),
        ("/metrics?format=prometheus", "application/json", True),
        ("/v1/stats/app", "text/plain;version=0.0.4", True),
        ("/v1/stats/db?format=json", "text/plain", False),
    ],
)
def test_format_is_selected_by_query_or_accept_header(monitor: Client, path: str, accept: str, is_text: bool) -> None:
    answer = monitor.call("GET", path, headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith("text/plain" if is_text else "application/json")
    if is_text:
        assert families(answer.text)


def test_both_formats_of_the_metrics_have_the_same_names(monitor: Client) -> None:
    text = monitor.call("GET", "/metrics?format=prometheus").text
    assert set(families(text)) == set(WEB_METRICS | PROCESS_METRICS)


def test_calls_are_counted_with_their_http_status_and_their_parts(admin: Client, monitor: Client) -> None:
    def counted(name: str, **labels: str) -> dict[str, float]:
        data = web_metrics(monitor)[name]["data"]
        return {
            sample["labels"].get("app", ""): sample["value"]
            for sample in data
            if labels.items() <= sample["labels"].items()
        }

    call = {"method": "POST_v1_messages", "result": "200"}
    refused = {"method": "POST_v1_messages", "result": "400"}
    before = counted("api_requests_duration_ms_count", **call).get("", 0)
    refused_before = counted("api_requests_duration_ms_count", **refused).get("", 0)
    assert admin.call("POST", "/v1/messages", TEXT).status_code == 200
    assert admin.call("POST", "/v1/messages/", {}).status_code == 400
    assert counted("api_requests_duration_ms_count", **call)[""] == before + 1
    assert counted("api_requests_duration_ms_count", **refused)[""] == refused_before + 1
    assert counted("api_requests_duration_ms_sum", **call)[""] > 0
    assert counted("api_requests_db_duration_ms_count", **call)[""] > 0
    apps = set(counted("api_requests_coreapp_duration_ms_count", **call))
    assert apps
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+", app) for app in apps)


def test_accepted_connections_and_requests_are_counted(monitor: Client) -> None:
    before = web_metrics(monitor)
    monitor.as_caller(monitor.session.headers["Authorization"]).call("GET", "/v1/health")
    after = web_metrics(monitor)

    def grown(name: str) -> float:
        return after[name]["data"][0]["value"] - before[name]["data"][0]["value"]

    assert grown("web_connections") >= 1
    assert grown("web_handled_requests") >= 2
    assert grown("web_uptime") >= 0


# -- support -----------------------------------------------------------------------------------------------------------


def test_support_describes_every_node_without_secrets(admin: Client, cluster: Cluster) -> None:
    answer = admin.call("GET", "/v1/support").json()["support"]
    assert set(answer) == NODES | {"127.0.0.1:webapp1"}
    number = admin.call("GET", SETTINGS).json()["settings"]["application"]["wa_id"]
    for node in answer.values():
        assert node["debug_info"] == (number or "unregistered")
        assert node["health"] == "ok"
        assert node["schema"]["waba"] > 0
        assert node["e2e"].keys() == {"identity_timestamp", "registration_id"}
        assert datetime.fromisoformat(node["expire_timestamp"]).year == 9999
        assert node["free_space_data"] > 0
        assert len(node["db_info"]) == 1
        assert "WA_APP_MULTICONNECT=1" in node["env"]
        assert node["description"].startswith("v2.57.2 ")
    assert {name: node["role"] for name, node in answer.items()} == {
        "127.0.0.1:coreapp1": "coreapp",
        "127.0.0.1:coreapp2": "coreapp",
        "127.0.0.1:master1": "primary_master",
        "127.0.0.1:webapp1": "webapp",
    }
    assert sorted(node["shards"] for node in answer.values()) == [[], [], [], [[-1, -1], [0, 0]]]
    connected = [name for name, node in answer.items() if node["shards"]]
    assert [name for name, node in answer.items() if node["socket_conn"] == "UP"] == connected
    text = json.dumps(answer)
    assert not [secret for secret in (*SECRETS, cluster.database.password) if secret in text]
