"""Each fault is measured, undone and reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from api import Api
from conftest import CONFIRMED, REPORTS, SECRETS_FILE, drill, traces, victim
from figures import figure
from live import Cluster
from plays import one_line

CASES = [
    *(("coreapp", fault) for fault in ("kill", "freeze", "isolate")),
    *(("master", fault) for fault in ("kill", "freeze", "isolate")),
    *(("database", fault) for fault in ("kill", "freeze", "isolate")),
]


def report_of(output: str) -> Path:
    (path,) = set(re.findall(r"Report: (\S+\.html)", output))
    return Path(path)


@pytest.mark.parametrize(("target", "fault"), CASES)
def test_fault_is_measured_undone_and_reported(cluster: Cluster, api: Api, target: str, fault: str) -> None:
    affected = victim(cluster, api, target)
    before = cluster.started()
    result = drill(target, fault, *CONFIRMED)
    output = one_line(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert traces(cluster) == []
    assert api.is_healthy()
    after = cluster.started()
    assert {one for one in before if before[one] != after[one]} == ({affected.id} if fault == "kill" else set())
    path = report_of(output)
    page = path.read_text(encoding="utf-8")
    assert path.parent == REPORTS
    assert "Every promise was met." in page
    assert page.count("<rect") > 10
    assert not re.search(r"(?:src|href)=|https?://", page.replace("https://127.0.0.1", "")), "a foreign resource"
    secrets = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8")).values()
    assert [value for value in secrets if str(value) in page + result.stdout + result.stderr] == []
    rows = re.findall(r"<tr><td>(.+?)</td><td>(.+?)</td><td>(.+?)</td><td class", page)
    for name, measured, promised in rows:
        figure(f"{fault} {target}", f"{name}: {measured} ({promised})")


@pytest.mark.parametrize("target", ["coreapp", "master"])
def test_another_node_has_taken_over(cluster: Cluster, api: Api, target: str) -> None:
    former = victim(cluster, api, target)
    assert drill(target, "freeze", *CONFIRMED).returncode == 0
    assert victim(cluster, api, target).id != former.id
