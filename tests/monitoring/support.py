"""The rules and dashboards of the role `monitoring`, as the tests read them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "roles/monitoring/files"
RULES = FILES / "rules/waba.yml"
DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))
TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))

Rule = dict[str, Any]


def rules() -> list[Rule]:
    """Return every recording and alert rule."""
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def queries(dashboard: Path) -> Iterator[tuple[str, str]]:
    """Yield (title of the panel, query) of a dashboard, for the cluster "c"."""
    content = json.loads(dashboard.read_text(encoding="utf-8"))
    for panel in content["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$cluster", "c")
    for annotation in content["annotations"]["list"]:
        yield annotation["name"], annotation["expr"].replace("$cluster", "c")


def metric_names(query: str) -> set[str]:
    """Return the names of the metrics in a query."""
    plain = re.sub(r'"[^"]*"', '""', query)
    plain = re.sub(r"\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)", " ", plain)
    plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", plain)
    words = re.findall(r"[a-zA-Z_][\w:]*(?! *\()\b", plain)
    keywords = {"and", "or", "unless", "bool", "offset"}
    functions = set(re.findall(r"([a-z_]+) *\(", plain))
    return set(words) - keywords - functions


def promtool(*arguments: str | Path) -> str:
    """Run promtool, which tests/environments.py provides. Return its output; raise AssertionError if it fails."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
