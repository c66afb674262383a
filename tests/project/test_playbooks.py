"""What Ansible makes of a playbook's words where no run of ours would notice."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).resolve().parents[2] / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_play_is_for_a_member_of_a_group_that_a_limit_may_leave_out(playbook: Path) -> None:
    """A subscript counts in the whole group, and --limit is applied to the one host that it gives."""
    plays = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    assert [
        play["name"] for play in plays if str(play.get("hosts", "")).endswith("]") and isinstance(play["hosts"], str)
    ] == []
