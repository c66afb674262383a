"""The argument specification and the defaults of each role agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Task = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
OF_A_ROTATION = ("waba_next_", "waba_previous_")  # begin its variables
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def options(role: str) -> dict[str, Any]:
    specification = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")
    entry = "settings" if role == "common" else "main"
    return specification["argument_specs"][entry].get("options") or {}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_the_specified_ones(role: str) -> None:
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load(ROOT / "roles" / role / "defaults" / "main.yml") == specified


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_default_or_is_required(role: str) -> None:
    """A secret has neither: the role secrets generates it."""
    settled = ("default", "required", "no_log")
    assert [name for name, option in options(role).items() if not set(settled) & set(option)] == []


def test_the_generated_and_issued_secrets_are_the_specified_ones() -> None:
    secrets = [name for name, option in options("common").items() if option.get("no_log")]
    variables = load(ROOT / "roles/common/vars/main.yml")
    kinds = ("__waba_secrets", "__waba_cloud_secrets", "__waba_issued_secrets")
    names = [name for kind in kinds for name in variables[kind]]
    assert [name for name in secrets if not name.startswith(OF_A_ROTATION)] == names


@pytest.mark.parametrize("role", ROLES)
def test_options_carry_the_prefix_of_the_collection_or_of_the_role(role: str) -> None:
    """Operators set the cluster's variables, waba_*, without regard to the role that reads them."""
    assert [name for name in options(role) if not name.startswith(("waba_", f"{role}_"))] == []


@pytest.mark.parametrize("role", ROLES)
def test_options_that_the_documentation_links_belong_to_the_role(role: str) -> None:
    """The documentation site resolves O() within one role; names of other settings are C()."""
    file = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    names = {name for entry in load(file)["argument_specs"].values() for name in entry.get("options") or {}}
    linked = re.findall(r"\bO\((\w+)\)", file.read_text(encoding="utf-8"))
    assert [name for name in linked if name not in names] == []


def test_every_option_belongs_to_one_role() -> None:
    names = [name for role in ROLES for name in options(role)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("role", [role for role in ROLES if (ROOT / "roles" / role / "README.md").exists()])
def test_readme_lists_the_options_of_the_role(role: str) -> None:
    if role == "common":
        return  # too many: ansible-doc prints them
    readme = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE) == list(options(role))


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_main_entry_point_with_a_specification(role: str) -> None:
    assert (ROOT / "roles" / role / "tasks/main.yml").exists()
    entry = "settings" if role == "common" else "main"
    assert next(iter(load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"])) == entry


def test_every_waba_variable_is_a_known_setting() -> None:
    """Preflight refuses variables that begin with waba_ and are not settings."""
    known: set[str] = set()
    for role in ROLES:
        for entry in load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"].values():
            known |= set(entry.get("options") or {})
    groups = {"waba_mysql", "waba_masters", "waba_coreapps", "waba_webapps", "waba_secrets", "waba_node"}
    groups |= {"waba_api_proxies", "waba_arbitrator", "waba_nfs_server", "waba_nfs_clients", "waba_monitoring"}
    for path in [*(ROOT / "roles").rglob("tasks/*.yml")]:
        known |= {name for name, _skipped in registered(load(path) or [])}
    metrics = "waba_backup_(last_(run|success)_|max_age_seconds)\\w*"
    fixed = re.compile(rf"waba_(cluster|apply)(_\w*)?|waba_(ask|ask_account|probe)|{metrics}")
    for folder in ("roles", "playbooks", "inventories", "molecule"):
        for path in (ROOT / folder).rglob("*.yml"):
            used = set(re.findall(r"(?<![\w-])waba_\w+", path.read_text(encoding="utf-8")))
            assert {name for name in used - known - groups if not fixed.fullmatch(name)} == set(), path


def registered(tasks: list[Task], conditional: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield (registered variable, whether its task may be skipped) for the tasks of a file, in their order."""
    for task in tasks:
        skipped = conditional or "when" in task
        if "register" in task:
            yield task["register"], skipped
        for part in ("block", "rescue", "always"):
            yield from registered(task.get(part, []), skipped)


def test_no_skippable_task_overwrites_a_registered_variable() -> None:
    """A skipped task registers its skip; tasks of an included file that is skipped register nothing."""
    for path in (ROOT / "roles").glob("*/tasks/*.yml"):
        seen: set[str] = set()
        for variable, skipped in registered(load(path) or []):
            assert not (skipped and variable in seen), f"{path}: {variable}"
            seen.add(variable)


def all_tasks(tasks: list[Task]) -> Iterator[Task]:
    """Yield each play and task, also those in blocks."""
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from all_tasks(task.get(part, []))


def test_no_task_on_the_controller_becomes_another_user() -> None:
    """The variable ansible_become, which the example inventories set, overrides the keyword of a task."""
    for path in [*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").glob("*.yml")]:
        for task in all_tasks(load(path) or []):
            if task.get("delegate_to") == "localhost":
                assert task.get("vars", {}).get("ansible_become") is False, f"{path}: {task['name']}"


def test_numbers_are_converted_before_arithmetic() -> None:
    """A value of the command line, as in -e waba_wait_timeout=120, is text."""
    arithmetic = re.compile(r"\b(?:waba|nfs_mount|images)_\w+ *[-+*/<>] *\d|\d *[-+*/<>] *(?:waba|nfs_mount|images)_")
    for path in [*(ROOT / "roles").glob("*/*/*.yml"), *(ROOT / "playbooks").glob("*.yml")]:
        if path.parent.name != "meta":
            lines = path.read_text(encoding="utf-8").splitlines()
            assert [line for line in lines if "{{" in line and arithmetic.search(line)] == [], path


def test_arbitrator_starts_before_members_wait_for_it() -> None:
    """One include with a templated name would run the files one after the other in the order of the hosts."""
    blocks = [task["block"] for task in load(ROOT / "roles/mysql/tasks/round.yml") if "block" in task]
    included = [task["ansible.builtin.include_tasks"] for block in blocks for task in block]
    assert included == ["arbitrator_step.yml", "member_step.yml"]
