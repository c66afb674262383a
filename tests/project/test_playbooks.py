"""Properties of the playbooks that no run would show."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_play_selects_one_host_of_a_group_by_number(playbook: Path) -> None:
    """A subscript selects from the whole group before --limit applies, so the play may find no host."""
    plays = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    assert [
        play["name"] for play in plays if str(play.get("hosts", "")).endswith("]") and isinstance(play["hosts"], str)
    ] == []


@pytest.mark.parametrize(
    ("preflight", "may_have"),
    [({}, True), *(({"__waba_preflight": {"facts": {"firewall": had}}}, had) for had in (True, False))],
)
def test_rules_are_looked_for_where_preflight_found_some_or_never_asked(preflight: dict, may_have: bool) -> None:
    variables = f"@{ROOT}/roles/common/vars/main.yml"
    given = json.dumps({"ansible_play_hosts_all": ["localhost"], **preflight})
    output = subprocess.run(
        ["ansible", "localhost", "-m", "debug", "-a", "var=__waba_firewall_was", "-e", variables, "-e", given],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"__waba_firewall_was: {str(may_have).lower()}" in output.replace('"', "")
