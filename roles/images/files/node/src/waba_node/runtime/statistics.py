"""Counters of a node's own work, as /v1/stats/app reports them (docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

STARTED = time.monotonic()
PAGE = os.sysconf("SC_PAGESIZE")

Label = tuple[str, str]
Labels = tuple[Label, ...]
Metric = dict[str, Any]

COUNTED = {  # counters of the vendor's client: name -> help. Those that the node has no use for stay at zero.
    "concurrent_rate_limit_triggered": "How often the limit of concurrent requests was reached",
    "db_request_duration_us_count": "Database transactions that succeeded",
    "db_request_duration_us_sum": "Microseconds that they took",
    "db_request_error_duration_us_count": "Database transactions that failed",
    "db_request_error_duration_us_sum": "Microseconds that they took",
    "in_message_decoded": "Inbound messages that were decoded",
    "in_message_from_server": "Inbound messages received from the upstream",
    "in_message_persisted": "Inbound messages stored in the database",
    "internal_server_conn_duration_ms_count": "Connections to internal servers",
    "internal_server_conn_duration_ms_sum": "Milliseconds that they took",
    "internal_server_requests_duration_ms_count": "Requests to internal servers",
    "internal_server_requests_duration_ms_sum": "Milliseconds that they took",
    "media_downloads": "Media downloaded from the upstream",
    "media_uploads": "Media uploaded to the upstream",
    "out_message_persisted": "Outbound messages stored in the database",
    "out_message_sent_duration_ms_count": "Outbound messages sent",
    "out_message_sent_duration_ms_sum": "Milliseconds that they took",
    "out_message_status": "Statuses of outbound messages",
    "callback_requests": "Attempts to deliver a webhook",
    "callback_requests_duration_ms_count": "Attempts to deliver a webhook",
    "callback_requests_duration_ms_sum": "Milliseconds that they took",
    "endpoint_requests": "Calls of other nodes that were answered",
    "endpoint_requests_duration_ms_count": "Calls of other nodes that were answered",
    "endpoint_requests_duration_ms_sum": "Milliseconds that they took",
}

GAUGES = {  # gauges of the vendor's client, zero unless a role has a value
    "callback_queue_size": "Webhooks that wait for their delivery",
    "in_messages_pending_processing": "Inbound messages that wait to be processed",
    "pending_callbacks": "Webhooks that wait for their delivery",
    "pending_messages": "Messages that the upstream has not confirmed",
}

# Of an upstream whose sends are not idempotent. The names are our own; a counter exists once it was increased.
UPSTREAM_COUNTED = {
    "upstream_backoff": "Messages that were not sent and wait, by what the upstream limits",
    "upstream_calls": "Calls of the upstream",
    "upstream_errors": "Errors that the upstream answered, by their code",
    "upstream_uncertain": "Messages of which it was uncertain whether they were sent, by cause and by outcome",
    "upstream_updates": "Updates of the upstream that were processed",
}
UPSTREAM_GAUGES = {
    "upstream_messages_uncertain": "Messages of which it is uncertain whether they were sent",
    "upstream_number_rate": "Messages per second of the number, by the level that the upstream grants",
    "upstream_oldest_update_seconds": "Age of the oldest update of the upstream that waits",
    "upstream_updates_set_aside": "Updates of the upstream that could not be processed",
    "upstream_updates_waiting": "Updates of the upstream that wait to be processed",
}


class Statistics:
    """Counters since the node's start."""

    def __init__(self) -> None:
        self.counters: defaultdict[str, defaultdict[Labels, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, name: str, labels: Mapping[str, str], amount: float = 1) -> None:
        """Increase a counter. name: one of COUNTED or UPSTREAM_COUNTED."""
        self.counters[name][tuple(sorted(labels.items()))] += amount

    def timed(self, name: str, seconds: float, **labels: str) -> None:
        """Count an event with a duration: `name` and its duration counters."""
        self.add(name, labels)
        self.add(f"{name}_duration_ms_count", labels)
        self.add(f"{name}_duration_ms_sum", labels, seconds * 1000)

    def endpoint_answered(self, method: str, success: bool, seconds: float) -> None:
        """Count a call of another node."""
        self.timed("endpoint_requests", seconds, endpoint=method, result="success" if success else "failure")

    def snapshot(self) -> dict[str, Metric]:
        """Return name -> metric of every counter, zero without labels if it was never increased."""
        counters = {name: metric("counter", text, self.counters.get(name) or {(): 0}) for name, text in COUNTED.items()}
        counters |= {
            name: metric("counter", text, self.counters[name])
            for name, text in UPSTREAM_COUNTED.items()
            if name in self.counters
        }
        return {**counters, **{name: gauge(text, 0) for name, text in GAUGES.items()}}

    @contextlib.contextmanager
    def timed_transaction(self) -> Iterator[None]:
        """Count the block as a database transaction."""
        began, name = time.monotonic(), "db_request_error_duration_us"
        try:
            yield
            name = "db_request_duration_us"
        finally:
            labels = {"db": "waba", "request": "transaction"}
            self.add(f"{name}_count", labels)
            self.add(f"{name}_sum", labels, int((time.monotonic() - began) * 1e6))


def gauge(text: str, value: float | Mapping[str, Mapping[str, float]]) -> Metric:
    """Return a metric that can decrease. value: a number, or {label: {value of the label: number}}."""
    if isinstance(value, Mapping):
        return metric(
            "gauge", text, {((label, key),): count for label, counts in value.items() for key, count in counts.items()}
        )
    return metric("gauge", text, {(): value})


def metric(kind: str, text: str, values: Mapping[Labels, float]) -> Metric:
    """Return a metric in the shape of the contract. kind: gauge or counter."""
    data = [{"labels": dict(labels), "value": _short(value)} for labels, value in sorted(values.items())]
    return {"type": kind, "help": text, "data": data}


def _short(value: float) -> float:
    return int(value) if value == int(value) else round(value, 3)


def process_metrics(problems: Iterable[str], node: Labels = ()) -> dict[str, Metric]:
    """Return the metrics of this process; their names are our own.

    problems: the subjects of the problems in its health line; without one, there is no metric of problems. node: a label of every sample.
    """
    with open("/proc/self/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * PAGE
    metrics = {
        "process_uptime_seconds": metric("gauge", "Seconds since the node started", {node: time.monotonic() - STARTED}),
        "process_resident_memory_bytes": metric("gauge", "Memory that the node takes", {node: resident}),
    }
    if present := {(*node, ("subject", subject)): 1 for subject in problems}:
        metrics["process_problems"] = metric("gauge", "Problems that keep the node from its work, by subject", present)
    return metrics


def prometheus(by_node: Mapping[str, Mapping[str, Metric]]) -> str:
    """Return the metrics of nodes in the text format of Prometheus, each with the label `node` unless the node's name is ""."""
    lines: list[str] = []
    for name in sorted({name for metrics in by_node.values() for name in metrics}):
        of_name = {node: metrics[name] for node, metrics in by_node.items() if name in metrics}
        first = next(iter(of_name.values()))
        lines += [f"# HELP {name} {first['help']}", f"# TYPE {name} {first['type']}"]
        lines += [
            f"{name}{labels({'node': node} | sample['labels'] if node else sample['labels'])} {sample['value']}"
            for node, each in of_name.items()
            for sample in each["data"]
        ]
    return "".join(f"{line}\n" for line in lines)


def labels(values: Mapping[str, str]) -> str:
    """Return labels in the text format of Prometheus."""
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
    return f"{{{text}}}" if text else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
