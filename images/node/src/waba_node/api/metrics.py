"""What a webapp counts of its own work."""

from __future__ import annotations

import time
from collections import Counter, defaultdict


class Metrics:
    """What GET /metrics shows; every number is counted."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)

    def count(self, call: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = call, "success" if status < 400 else "failure"
        self.requests[key] += 1
        self.seconds[key] += seconds

    def text(self) -> str:
        """Return the metrics in the text format of Prometheus."""
        lines = [
            "# TYPE web_uptime counter",
            f"web_uptime {time.monotonic() - self.began:.0f}",
            "# TYPE web_handled_requests counter",
            f"web_handled_requests {self.requests.total()}",
            "# TYPE api_requests_duration_ms summary",
        ]
        for (call, result), count in sorted(self.requests.items()):
            labels = f'{{method="{call}",result="{result}"}}'
            lines.append(f"api_requests_duration_ms_count{labels} {count}")
            lines.append(f"api_requests_duration_ms_sum{labels} {self.seconds[call, result] * 1000:.3f}")
        return "\n".join(lines) + "\n"
