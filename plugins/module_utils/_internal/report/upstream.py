# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the Cloud API as an upstream, from the metrics of the nodes. Pure (formats: docs/reference/vendor-contract.md#stats-and-metrics)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Metric of a node: its name here. Those of coreapps are summed, of the webhook's age the lowest counts.
COREAPP_METRICS = {
    "upstream_messages_uncertain": "uncertain",
    "upstream_updates_waiting": "waiting",
    "upstream_updates_set_aside": "set_aside",
}
RATE = "upstream_number_rate"  # of a connected coreapp, with the throughput level as a label
WEBHOOK_AGE = "cloud_webhook_last_received_seconds"
WORDS = {
    "uncertain": "messages of unknown outcome",
    "waiting": "webhooks waiting",
    "set_aside": "webhooks that could not be processed",
}


def parse(app_statistics: Any, webapp_metrics: Any) -> dict[str, Any]:
    """Return {"uncertain", "waiting", "set_aside": number, "rate": messages per second, "level": text, "webhook_age": seconds}, as far as the
    nodes report them.

    app_statistics: the `stats` object of GET /v1/stats/app. webapp_metrics: the `metrics` object of GET /metrics of a webapp.
    """
    found: dict[str, Any] = {}
    for node in app_statistics.values() if isinstance(app_statistics, dict) else ():
        metrics = node.get("app", {})
        for metric, name in COREAPP_METRICS.items():
            if metric in metrics:
                found[name] = found.get(name, 0) + sum(_values(metrics[metric]))
        for sample in metrics.get(RATE, {}).get("data", []):  # every coreapp reports that of the number
            found.update(rate=float(sample["value"]), level=str(sample["labels"].get("level", "")))
    ages = _values(webapp_metrics.get(WEBHOOK_AGE, {})) if isinstance(webapp_metrics, dict) else []
    return {**found, **({"webhook_age": min(ages)} if ages else {})}


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the state of the upstream from the answers of several webapps: the same counts, and the age of the last webhook of any of them."""
    result: dict[str, Any] = {}
    for part in parts:
        ages = [one["webhook_age"] for one in (result, part) if "webhook_age" in one]
        result = {**result, **part, **({"webhook_age": min(ages)} if ages else {})}
    return result


def row(state: Mapping[str, Any], nodes: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the cells of the upstream in the table of services. nodes: of the cluster's health."""
    cores = [node for node in nodes if node["role"] == "coreapp"]
    connected = [node for node in cores if node["gateway_status"] == "connected"]
    reasons = dict.fromkeys(node["problem"] for node in connected or cores if node["problem"])
    counts = [f"{int(state[name])} {text}" for name, text in WORDS.items() if state.get(name)]
    last = f"last webhook {_age(state['webhook_age'])} ago" if "webhook_age" in state else "no webhook yet"
    return {
        "host": "(upstream)",
        "service": "Cloud API",
        "role": "upstream",
        "gateway": "connected" if connected else "not connected",
        "state": ", ".join([*_rate(state), last, *counts]),
        "problem": "; ".join(reasons) or ("" if connected else "no coreapp is connected"),
    }


def _rate(state: Mapping[str, Any]) -> list[str]:
    """Return the rate of the number with its throughput level, nothing where no coreapp reports it."""
    if "rate" not in state:
        return []
    level = f" ({state['level']})" if state.get("level") else ""
    return [f"at most {int(state['rate'])} messages/s{level}"]


def _values(metric: Mapping[str, Any]) -> list[float]:
    return [float(sample["value"]) for sample in metric.get("data", [])]


def _age(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
