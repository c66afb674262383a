"""The webapp's own counters, for GET /metrics (docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ..runtime.statistics import Labels, metric

DURATIONS = {  # infix of the metric's name -> help
    "": "API requests",
    "db_": "database transactions of API requests",
    "coreapp_": "calls of other nodes for API requests",
}


@dataclass
class CallRecord:
    """The call that is being answered. parts: (infix, milliseconds, labels) of its parts so far."""

    name: str
    parts: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)


current_call: ContextVar[CallRecord | None] = ContextVar("current_call", default=None)


class Metrics:
    """Counters of requests, bytes and durations."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.processing = 0
        self.last_call = float("-inf")  # probes do not count
        self.bytes_out = 0
        self.durations: dict[str, dict[Labels, list[float]]] = {infix: {} for infix in DURATIONS}

    def count_answer(self, call: CallRecord, status: int, size: int, seconds: float) -> None:
        """Count an answered call with its parts. status: the HTTP status. size: bytes of the answer's body."""
        self.bytes_out += size
        for infix, milliseconds, labels in [*call.parts, ("", seconds * 1000, {})]:
            named = {"method": call.name, "result": str(status), **labels}
            entry = self.durations[infix].setdefault(tuple(sorted(named.items())), [0, 0.0])
            entry[0] += 1
            entry[1] += milliseconds

    @contextlib.contextmanager
    def timed(self, infix: str, **labels: str) -> Iterator[None]:
        """Count the block as a part of the current call. infix: a key of DURATIONS."""
        call, began = current_call.get(), time.monotonic()
        try:
            yield
        finally:
            if call is not None:
                call.parts.append((infix, (time.monotonic() - began) * 1000, labels))

    def collect(self, node: str, connections: int, queue_length: int) -> dict[str, dict[str, Any]]:
        """Return the metrics by name, in the vendor's format, each with the label `node`.

        connections: the number accepted so far. queue_length: the connections that can wait to be accepted.

        One process serves all connections at once, so none is pending and no process limit is reached.
        """
        handled = sum(count for count, _sum in self.durations[""].values())
        simple = {
            "web_uptime": ("gauge", "Seconds since the web server started", int(time.monotonic() - self.began)),
            "web_connections": ("counter", "Connections accepted", connections),
            "web_pending_connections": ("gauge", "Connections that wait for a process", 0),
            "web_max_pending_connections": ("gauge", "Largest number of connections that waited for a process", 0),
            "web_queue_len": ("gauge", "Length of the queue of pending connections", queue_length),
            "web_idle_processes": ("gauge", "Idle processes", 0 if self.processing else 1),
            "web_total_processes": ("gauge", "Processes", 1),
            "web_process_limit_hit": ("counter", "How often the process limit was reached", 0),
            "web_handled_requests": ("counter", "Requests handled", handled),
            "web_out_kbytes": ("counter", "KiB of answers", self.bytes_out // 1024),
        }
        label = ("node", node)
        collected = {name: metric(kind, text, {(label,): value}) for name, (kind, text, value) in simple.items()}
        states = {"read": 0, "handle-request": self.processing}
        collected["web_requests"] = metric(
            "gauge", "Requests by state", {(label, ("state", state)): value for state, value in states.items()}
        )
        for infix, text in DURATIONS.items():
            for index, (part, prefix) in enumerate((("count", "Number"), ("sum", "Milliseconds"))):
                values = {(label, *labels): entry[index] for labels, entry in self.durations[infix].items()}
                collected[f"api_requests_{infix}duration_ms_{part}"] = metric("counter", f"{prefix} of {text}", values)
        return collected
