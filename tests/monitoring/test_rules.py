"""Each rule has a unit test, and the documentation lists each alert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import DASHBOARDS, ROOT, RULES, TESTS, Rule, metric_names, promtool, queries, rules

PAGE = ROOT / "docs/operate/monitoring.md"
ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDS = [rule for rule in rules() if "record" in rule]
CASES = [case for path in TESTS for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]
OF_PROMETHEUS = {"up", "ALERTS"}
OF_EXPORTERS = ("node_cpu", "node_memory", "node_filesystem", "node_network", "mysql_", "waba_backup_")


def test_rules_are_valid() -> None:
    promtool("check", "rules", RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_give_the_expected_values(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(rule: Rule) -> None:
    tests = [test for case in CASES for test in case.get("alert_rule_test", []) if test["alertname"] == rule["alert"]]
    assert [test for test in tests if test["exp_alerts"]]
    assert [test for test in tests if not test["exp_alerts"]]


@pytest.mark.parametrize("rule", RECORDS, ids=lambda rule: rule["record"])
def test_recording_rule_has_a_test_of_its_value(rule: Rule) -> None:
    tests = [test["expr"] for case in CASES for test in case.get("promql_expr_test", [])]
    assert [expression for expression in tests if rule["record"] in metric_names(expression)]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alert_names_its_severity_and_what_it_means(rule: Rule) -> None:
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    if "Failover" in rule["alert"]:
        assert rule["labels"]["severity"] == "info"


def test_page_lists_every_alert_with_its_severity() -> None:
    listed = re.findall(r"^\| `(Waba\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS]


def known_metrics() -> set[str]:
    """Return the names that the node's source contains, and those of recording rules."""
    source = ROOT / "images/node/src/waba_node"
    text = "".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    expected = {f"waba:{name}:expected" for name in ("masters", "coreapps", "shards", "database_members")}
    composed = {
        f"api_requests_{part}duration_ms_{kind}" for part in ("", "db_", "coreapp_") for kind in ("count", "sum")
    }
    composed |= {"db_members", "db_receive_queue"}
    return set(re.findall(r'"([a-z_]+)"', text)) | composed | {rule["record"] for rule in RECORDS} | expected


def test_rules_and_dashboards_use_metrics_that_exist() -> None:
    used = {name for rule in rules() for name in metric_names(rule["expr"])}
    used |= {name for path in DASHBOARDS for _title, query in queries(path) for name in metric_names(query)}
    unknown = used - known_metrics() - OF_PROMETHEUS
    assert {name for name in unknown if not name.startswith(OF_EXPORTERS)} == set()


def test_queries_of_the_dashboards_are_valid(tmp_path: Path) -> None:
    found = [query for path in DASHBOARDS for _title, query in queries(path)]
    content: dict[str, Any] = {"groups": [{"name": "queries", "rules": []}]}
    content["groups"][0]["rules"] = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(found)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    promtool("check", "rules", file)
    assert len(found) > 50
