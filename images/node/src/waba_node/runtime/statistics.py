"""What a node counts of its own work, as `/v1/stats/app` shows it (source: vendor facts, section 2.9; names marked ours are ours)."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping

STARTED = time.monotonic()
PAGE = os.sysconf("SC_PAGESIZE")

Labels = tuple[tuple[str, str], ...]

COUNTED = {  # name -> help
    "callback_requests": "Deliveries of webhooks that were tried",
    "callback_requests_duration_ms_count": "Deliveries of webhooks that were tried",
    "callback_requests_duration_ms_sum": "Milliseconds that they took",
    "endpoint_requests": "Calls of other nodes that were answered",
    "endpoint_requests_duration_ms_count": "Calls of other nodes that were answered",
    "endpoint_requests_duration_ms_sum": "Milliseconds that they took",
}


class Statistics:
    """Counters since the node's start."""

    def __init__(self) -> None:
        self.counters: defaultdict[str, defaultdict[Labels, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count. name: one of COUNTED."""
        self.counters[name][tuple(sorted(labels.items()))] += amount

    def timed(self, name: str, seconds: float, **labels: str) -> None:
        """Count something that took a while: `name` and its durations."""
        self.add(name, **labels)
        self.add(f"{name}_duration_ms_count", **labels)
        self.add(f"{name}_duration_ms_sum", seconds * 1000, **labels)

    def endpoint_answered(self, method: str, success: bool, seconds: float) -> None:
        """Count a call of another node."""
        self.timed("endpoint_requests", seconds, endpoint=method, result="success" if success else "failure")

    def shown(self) -> dict[str, dict]:
        """Return every counter that has counted, by name."""
        return {name: metric("counter", COUNTED[name], values) for name, values in sorted(self.counters.items())}


def gauge(text: str, value: float | Mapping[str, Mapping[str, float]]) -> dict:
    """Return a metric that goes up and down. value: a number, or {label: {the label's value: number}}."""
    if isinstance(value, Mapping):
        return metric(
            "gauge", text, {((label, key),): count for label, counts in value.items() for key, count in counts.items()}
        )
    return metric("gauge", text, {(): value})


def metric(kind: str, text: str, values: Mapping[Labels, float]) -> dict:
    """Return a metric in the vendor's shape. kind: gauge or counter."""
    data = [{"labels": dict(labels), "value": _short(value)} for labels, value in sorted(values.items())]
    return {"type": kind, "help": text, "data": data}


def _short(value: float) -> float:
    return int(value) if value == int(value) else round(value, 3)


def process() -> dict[str, dict]:
    """Return what this process takes (`/internal`; the names are ours)."""
    with open("/proc/self/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * PAGE
    return {
        "process_uptime_seconds": gauge("Seconds since the node started", time.monotonic() - STARTED),
        "process_resident_memory_bytes": gauge("Memory that the node takes", resident),
    }


def prometheus(by_node: Mapping[str, Mapping[str, dict]]) -> str:
    """Return the metrics of nodes in the text format of Prometheus; each value is labelled with its node (ours), unless that is ""."""
    lines: list[str] = []
    for name in sorted({name for metrics in by_node.values() for name in metrics}):
        shown = {node: metrics[name] for node, metrics in by_node.items() if name in metrics}
        first = next(iter(shown.values()))
        lines += [f"# HELP {name} {first['help']}", f"# TYPE {name} {first['type']}"]
        lines += [
            f"{name}{labels({'node': node} | sample['labels'] if node else sample['labels'])} {sample['value']}"
            for node, each in shown.items()
            for sample in each["data"]
        ]
    return "".join(f"{line}\n" for line in lines)


def labels(values: Mapping[str, str]) -> str:
    """Return labels in the text format of Prometheus."""
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
    return f"{{{text}}}" if text else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
