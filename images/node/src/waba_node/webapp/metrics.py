"""What a webapp counts of its own work: GET /metrics (source: vendor facts, section 2.9).

The vendor's `web_pending_connections`, `web_queue_len` and those of web-server processes have no meaning here: one process answers every
connection at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from ..runtime.statistics import Labels, metric

call_name: ContextVar[str] = ContextVar("call_name", default="")  # of the call that is being answered; "" is no call


class Metrics:
    """Every number is counted."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.processing = 0
        self.last_call = float("-inf")  # a probe is none
        self.bytes_out = 0
        self.durations: dict[str, dict[Labels, list[float]]] = {"": {}, "db_": {}, "coreapp_": {}}

    def answered(self, status: int, size: int, seconds: float) -> None:
        """Count one answered request. size: bytes of its body."""
        self.bytes_out += size
        self.took("", seconds, status < 400)

    def took(self, what: str, seconds: float, success: bool, **more: str) -> None:
        """Count a part of the call that is being answered. what: `db_`, `coreapp_`, or "" for the whole."""
        if not call_name.get():
            return
        named = {"method": call_name.get(), "result": "success" if success else "failure", **more}
        entry = self.durations[what].setdefault(tuple(sorted(named.items())), [0, 0.0])
        entry[0] += 1
        entry[1] += seconds * 1000

    @contextlib.contextmanager
    def timed(self, what: str, **more: str) -> Iterator[None]:
        """Count a part of the call, which fails when the block raises."""
        began, success = time.monotonic(), False
        try:
            yield
            success = True
        finally:
            self.took(what, time.monotonic() - began, success, **more)

    def shown(self, connections: int) -> dict[str, dict]:
        """Return the metrics by name, in the vendor's shape. connections: that are open."""
        whole = self.durations[""].values()
        shown = {
            "web_uptime": metric("counter", "Seconds since the start", {(): int(time.monotonic() - self.began)}),
            "web_connections": metric("gauge", "Open connections", {(): connections}),
            "web_handled_requests": metric("counter", "Answered requests", {(): sum(count for count, _sum in whole)}),
            "web_out_kbytes": metric("counter", "KiB of answers", {(): self.bytes_out // 1024}),
            "web_requests": metric("gauge", "Requests by state", {(("state", "processing"),): self.processing}),
        }
        for what, values in self.durations.items():
            name = f"api_requests_{what}duration_ms"
            for index, part in enumerate(("count", "sum")):
                sums = {labels: entry[index] for labels, entry in values.items()}
                shown[f"{name}_{part}"] = metric("counter", f"{TEXTS[what]}, {part}", sums)
        return shown


TEXTS = {
    "": "Milliseconds that calls took",
    "db_": "Milliseconds that calls waited for the database",
    "coreapp_": "Milliseconds that calls waited for other nodes",
}
