"""Properties of the playbooks that no run would show."""

from __future__ import annotations

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


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_play_states_the_linear_strategy(playbook: Path) -> None:
    """With ANSIBLE_STRATEGY=free, restart.yml would stop all coreapps at once."""
    plays = [play for play in yaml.safe_load(playbook.read_text(encoding="utf-8")) if "hosts" in play]
    assert [play["name"] for play in plays if play.get("strategy") != "ansible.builtin.linear"] == []


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_playbook_begins_with_the_topology(playbook: Path) -> None:
    """Its first play refuses --tags, and later plays need its groups."""
    while "ansible.builtin.import_playbook" in (first := yaml.safe_load(playbook.read_text(encoding="utf-8"))[0]):
        playbook = playbook.parent / first["ansible.builtin.import_playbook"]
    assert playbook.stem == "topology"


@pytest.mark.parametrize("playbook", ["preflight", "site"])
def test_plays_that_the_plan_selects_include_their_roles(playbook: str) -> None:
    """Ansible loads a listed or imported role also for a play without hosts: 35 ms for each, in every run."""
    plays = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    selected = [play for play in plays if "default('all:!all')" in play.get("hosts", "")]
    assert selected
    for play in selected:
        imported = [task["name"] for task in play.get("tasks", []) if "ansible.builtin.import_role" in task]
        assert (play.get("roles", []), imported) == ([], []), play["name"]


def test_lost_host_ends_a_run_that_replaces_containers() -> None:
    """See docs/adr/0015-plan-then-apply.md. The installation of packages removes a password under `always`, which max_fail_percentage would skip."""
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text(encoding="utf-8"))
    first = [play["name"] for play in plays].index("Write the files of the hosts")
    replacing = [play["name"] for play in plays[first:] if "any_errors_fatal" in play]
    replacing.remove("Schedule the backups")
    assert len(replacing) > 10
    assert [play["name"] for play in plays if play.get("max_fail_percentage") == 0] == replacing
