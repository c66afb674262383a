"""The webapp's own counters, for GET /metrics (docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ..runtime.statistics import Labels, metric

call_name: ContextVar[str] = ContextVar("call_name", default="")  # the call being answered, "" outside of a call

DURATIONS = {  # infix of the metric's name -> help
    "": "Milliseconds that calls took",
    "db_": "Milliseconds that calls waited for the database",
    "coreapp_": "Milliseconds that calls waited for other nodes",
}


class Metrics:
    """Counters of requests, bytes and durations."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.processing = 0
        self.last_call = float("-inf")  # probes do not count
        self.bytes_out = 0
        self.durations: dict[str, dict[Labels, list[float]]] = {infix: {} for infix in DURATIONS}

    def count_answer(self, status: int, size: int, seconds: float) -> None:
        """Count one answered request. size: bytes of its body."""
        self.bytes_out += size
        self.count_duration("", seconds, status < 400)

    def count_duration(self, infix: str, seconds: float, success: bool, **labels: str) -> None:
        """Count a part of the current call. infix: a key of DURATIONS, "" for the whole call."""
        if not call_name.get():
            return
        named = {"method": call_name.get(), "result": "success" if success else "failure", **labels}
        entry = self.durations[infix].setdefault(tuple(sorted(named.items())), [0, 0.0])
        entry[0] += 1
        entry[1] += seconds * 1000

    @contextlib.contextmanager
    def timed(self, infix: str, **labels: str) -> Iterator[None]:
        """Count the block as a part of the current call. A block that raises counts as a failure."""
        began, success = time.monotonic(), False
        try:
            yield
            success = True
        finally:
            self.count_duration(infix, time.monotonic() - began, success, **labels)

    def collect(self, connections: int) -> dict[str, dict[str, Any]]:
        """Return the metrics by name, in the vendor's format. connections: the number of open ones."""
        calls = self.durations[""].values()
        collected = {
            "web_uptime": metric("counter", "Seconds since the start", {(): int(time.monotonic() - self.began)}),
            "web_connections": metric("gauge", "Open connections", {(): connections}),
            "web_handled_requests": metric("counter", "Answered requests", {(): sum(count for count, _sum in calls)}),
            "web_out_kbytes": metric("counter", "KiB of answers", {(): self.bytes_out // 1024}),
            "web_requests": metric("gauge", "Requests by state", {(("state", "processing"),): self.processing}),
        }
        for infix, text in DURATIONS.items():
            for index, part in enumerate(("count", "sum")):
                sums = {labels: entry[index] for labels, entry in self.durations[infix].items()}
                collected[f"api_requests_{infix}duration_ms_{part}"] = metric("counter", f"{text}, {part}", sums)
        return collected
