"""The counters of the webhook listener, for GET /metrics. Their names are our own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ..runtime.statistics import Label, Labels, metric

# Results of requests. The first two are answered with 200.
ACCEPTED, VERIFIED = "accepted", "verified"
UNSIGNED, WRONG_SIGNATURE, WRONG_TOKEN = "unsigned", "wrong_signature", "wrong_token"
TOO_LARGE, INCOMPLETE, NOT_JSON, NOT_SUPPORTED = "too_large", "incomplete", "not_json", "not_supported"
BUSY, UNAVAILABLE, FAILED = "busy", "unavailable", "failed"


class WebhookMetrics:
    """Counts requests by result, and updates by kind with their age when they arrive."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.updates: Counter[str] = Counter()
        self.age_sum, self.age_count = 0.0, 0
        self.last_received: float | None = None  # monotonic
        self.logged: Counter[str] = Counter()  # the refusals that a log line has reported

    def received(self, kinds: Iterable[str], timestamps: Iterable[int]) -> None:
        """Count the updates of an accepted request. timestamps: when they happened, seconds since 1970 by the sender's clock."""
        self.last_received, now = time.monotonic(), time.time()
        self.updates.update(kinds)
        for timestamp in timestamps:
            self.age_sum += max(0.0, now - timestamp)
            self.age_count += 1

    def new_refusals(self) -> dict[str, int]:
        """Return result -> number of the requests refused since the last call."""
        refused = Counter({name: count for name, count in self.requests.items() if name not in (ACCEPTED, VERIFIED)})
        new, self.logged = refused - self.logged, refused
        return dict(new)

    def collect(self, label: Label, closed: int) -> dict[str, dict[str, Any]]:
        """Return the metrics by name. label: of every sample. closed: the connections that were closed for others or as overdue."""
        collected = {
            "cloud_webhook_requests": metric(
                "counter", "Webhook requests by result", _samples(label, "result", self.requests)
            ),
            "cloud_webhook_updates": metric(
                "counter", "Updates in accepted webhooks by kind", _samples(label, "kind", self.updates)
            ),
            "cloud_webhook_age_seconds_count": metric(
                "counter", "Updates with a time of their own", {(label,): self.age_count}
            ),
            "cloud_webhook_age_seconds_sum": metric(
                "counter", "Seconds from the events to the arrival of their webhooks", {(label,): self.age_sum}
            ),
            "cloud_webhook_connections_closed": metric(
                "counter", "Connections closed because they took too long or others needed the room", {(label,): closed}
            ),
        }
        since: dict[Labels, float] = {}
        if self.last_received is not None:
            since[label,] = time.monotonic() - self.last_received
        collected["cloud_webhook_last_received_seconds"] = metric(
            "gauge", "Seconds since the last accepted webhook", since
        )
        return collected


def _samples(label: Label, name: str, counts: Counter[str]) -> dict[Labels, float]:
    return {(label, (name, key)): count for key, count in counts.items()}
