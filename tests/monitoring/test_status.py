"""An alert exists for each reason for which status.yml calls a cluster unhealthy.

The answers of nodes become the health that status.yml reads and the metrics that Prometheus reads, both by the node's own code; the alerts that
fire must be those of the reasons.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import assess, parse_nodes
from support import RULES, promtool
from waba_node.address import NodeAddress
from waba_node.control.promotion import Shard
from waba_node.rpc import RpcError
from waba_node.webapp import cluster_metrics
from waba_node.webapp.calls.health import _node_health

SILENT = RpcError(1014, "Internal error", "it does not answer")
Answer = dict[str, Any] | RpcError

# Reason of `report.health.assess`: its alert.
ALERT_OF_REASON = {
    r"\d+ primary masters, not \d+": "WabaPrimaryMasters",
    r"\d+ secondary masters, not \d+": "WabaSecondaryMasters",
    r"\d+ coreapps connected, not \d+": "WabaCoreappsConnected",
    r"\d+ coreapps standing by, not -?\d+": "WabaCoreappsStandby",
    r"\d+ coreapps are registered, not \d+": "WabaCoreappsSurplus",
    r"the primary master is not connected": "WabaPrimaryMasterDisconnected",
    r"\w+: it does not answer": "WabaNodeDown",
    r"\w+: the number is not registered": "WabaNodeRefused",
}


def answer(role: str, gateway_status: str = "disconnected", **more: str) -> dict[str, Any]:
    return {"role": role, "gateway_status": gateway_status, "version": "1.0.0", **more}


PRIMARY, SECONDARY = answer("primary_master"), answer("secondary_master")
JOINED = answer("primary_master", "connected")
CONNECTED, STANDBY = answer("coreapp", "connected"), answer("coreapp")
WAITING = answer("coreapp", "unregistered")
REFUSED = answer("coreapp", problem="the number is not registered")

# Name: (answers of masters, answers of coreapps, expected masters, coreapps, shards).
CLUSTERS: dict[str, tuple[list[Answer], list[Answer], int, int, int]] = {
    "healthy": ([PRIMARY, SECONDARY], [CONNECTED, STANDBY], 2, 2, 1),
    "two shards": ([JOINED, SECONDARY], [CONNECTED, CONNECTED, STANDBY], 2, 3, 2),
    "awaits its registration": ([PRIMARY, SECONDARY], [WAITING, WAITING], 2, 2, 1),
    "incomplete, and awaits its registration": ([PRIMARY, SECONDARY], [WAITING], 2, 2, 1),
    "no master": ([], [CONNECTED, STANDBY], 2, 2, 1),
    "masters without a primary": ([SECONDARY, SECONDARY], [CONNECTED, STANDBY], 2, 2, 1),
    "two primary masters": ([PRIMARY, PRIMARY], [CONNECTED, STANDBY], 2, 2, 1),
    "a silent master": ([PRIMARY, SILENT], [CONNECTED, STANDBY], 2, 2, 1),
    "a third master": ([PRIMARY, SECONDARY, SECONDARY], [CONNECTED, STANDBY], 2, 2, 1),
    "a silent coreapp": ([PRIMARY, SECONDARY], [SILENT, CONNECTED], 2, 2, 1),
    "a refused coreapp": ([PRIMARY, SECONDARY], [REFUSED, STANDBY], 2, 2, 1),
    "a coreapp that connects": ([PRIMARY, SECONDARY], [answer("coreapp", "connecting"), STANDBY], 2, 2, 1),
    "two connected coreapps": ([PRIMARY, SECONDARY], [CONNECTED, CONNECTED], 2, 2, 1),
    "a coreapp too many": ([PRIMARY, SECONDARY], [CONNECTED, STANDBY, STANDBY], 2, 2, 1),
    "a coreapp less": ([PRIMARY, SECONDARY], [CONNECTED], 2, 2, 1),
    "a shard without an owner": ([PRIMARY, SECONDARY], [CONNECTED, STANDBY, STANDBY], 2, 3, 2),
    "a primary master without its connection": ([PRIMARY, SECONDARY], [CONNECTED, CONNECTED, STANDBY], 2, 3, 2),
    "one machine": ([PRIMARY], [CONNECTED], 1, 1, 1),
    "nothing": ([], [], 2, 2, 1),
}


def answers_of(masters: list[Answer], coreapps: list[Answer]) -> dict[NodeAddress, Answer]:
    return {
        NodeAddress(f"{role}{number}:0123456789ab", role, f"{role}{number}", (6250, 6251, 6252, 6253)): one
        for role, given in (("master", masters), ("coreapp", coreapps))
        for number, one in enumerate(given)
    }


def expected_alerts(answers: dict[NodeAddress, Answer], masters: int, coreapps: int, shards: int) -> set[str]:
    """Return the alerts for the reasons of `assess`."""
    health = {node.node_id: _node_health(node, answers[node], None) for node in answers}
    reasons, _summary = assess(parse_nodes(json.loads(json.dumps(health))), masters, coreapps, shards)
    found = set()
    for reason in reasons:
        [alert] = [alert for pattern, alert in ALERT_OF_REASON.items() if re.fullmatch(pattern, reason)]
        found.add(alert)
    if any(reason.startswith("0 primary masters") for reason in reasons):
        found.discard("WabaPrimaryMasterDisconnected")  # a consequence, for which no second alert fires
    return found


def series(answers: dict[NodeAddress, Answer], masters: int, coreapps: int, shards: int) -> list[dict[str, str]]:
    """Return the input of promtool: the metrics of the answers, and the numbers of the inventory."""
    metrics = cluster_metrics.collect(answers, [Shard(0, None, None, 1, True)], "", 0)
    values = {
        'up{job="waba-cluster", cluster="c"}': 1,
        **{
            f'waba:{name}:expected{{cluster="c"}}': number
            for name, number in (("masters", masters), ("coreapps", coreapps), ("shards", shards))
        },
    }
    for name, metric in metrics.items():
        for sample in metric["data"]:
            labels = ", ".join(f'{key}="{value}"' for key, value in {**sample["labels"], "cluster": "c"}.items())
            values[f"{name}{{{labels}}}"] = sample["value"]
    return [{"series": name, "values": f"{value}x15"} for name, value in values.items()]


def test_alerts_fire_for_the_reasons_of_status(tmp_path: Path) -> None:
    tests = []
    for name, (masters, coreapps, *numbers) in CLUSTERS.items():
        answers = answers_of(masters, coreapps)
        wanted = expected_alerts(answers, *numbers)
        expression = 'group by (alertname) (ALERTS{alertstate="firing", severity!="info"})'
        samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(wanted)]
        test = {"expr": expression, "eval_time": "12m", "exp_samples": samples}
        tests.append(
            {"name": name, "interval": "1m", "input_series": series(answers, *numbers), "promql_expr_test": [test]}
        )
    file = tmp_path / "status.yml"
    content = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    promtool("test", "rules", file)


def test_every_reason_of_the_table_occurs() -> None:
    found = set()
    for masters, coreapps, *numbers in CLUSTERS.values():
        found |= expected_alerts(answers_of(masters, coreapps), *numbers)
    assert found == set(ALERT_OF_REASON.values())
