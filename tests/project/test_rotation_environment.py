"""The environment of the nodes in each phase of a rotation, from the variables of the role common as Ansible evaluates them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles/common"
init_plugin_loader([])  # for lookups
sys.path.insert(0, str(ROOT / ".build"))
rotation: Any = importlib.import_module(
    "ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.rotation"
)

BEFORE = {secret: f"{secret}-0" for secret in rotation.ROTATABLE}
NEW = {secret: f"{secret}-1" for secret in rotation.ROTATABLE}
SECOND = {
    "WABA_SECOND_API_KEY": "waba_api_key",
    "WABA_SECOND_JWT_KEY": "waba_jwt_key",
    "WABA_SECOND_SECRET": "waba_node_secret",
}


def evaluated(name: str, settings: dict[str, Any]) -> Any:
    """Return a variable of the role common with these settings."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for file in ("defaults/main.yml", "vars/main.yml"):
        variables.update(loader.load_from_file(str(ROLE / file), trusted_as_template=True))
    given = {"inventory_dir": "/inventory", "inventory_hostname": "node1"}
    topology = {"waba_topology": {"database": {"address": "db", "external": False, "name": "waba"}}}
    available = {**variables, **given, **topology, **settings, "hostvars": {"node1": {}}}
    return Templar(loader, available).template(variables[name])


def changed(values: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """Return the variables after changes. A removed one is empty, as in the run that removes it."""
    return {**values, **{name: value or "" for name, value in changes.items()}}


ACCEPT = changed(BEFORE, rotation.begun(rotation.ROTATABLE, NEW))
USE = changed(ACCEPT, rotation.advanced(ACCEPT, "waba"))
FINISHED = changed(USE, rotation.finished(USE))
RETIRED = changed(FINISHED, rotation.retired(FINISHED))


@pytest.mark.parametrize(
    ("values", "present", "second", "user"),
    [
        (BEFORE, BEFORE, {}, "waba"),
        (ACCEPT, BEFORE, dict.fromkeys(SECOND, NEW), "waba"),
        (USE, NEW, dict.fromkeys(SECOND, BEFORE), "waba_2"),
        (FINISHED, NEW, {"WABA_SECOND_JWT_KEY": BEFORE}, "waba_2"),
        (RETIRED, NEW, {}, "waba_2"),
    ],
    ids=["before", "accept", "use", "finished", "retired"],
)
def test_nodes_get_the_present_and_the_second_secrets_of_each_phase(
    values: dict[str, str], present: dict[str, str], second: dict[str, dict[str, str]], user: str
) -> None:
    found = evaluated("__waba_node_environment", values)
    assert found["WA_SECRET"] == present["waba_node_secret"]
    assert found["WA_API_KEY"] == present["waba_api_key"]
    assert found["WA_WEB_JWT_CRYPTO_KEY"] == present["waba_jwt_key"]
    assert (found["WA_DB_USERNAME"], found["WA_DB_PASSWORD"]) == (user, present["waba_database_password"])
    wanted = {name: second[name][SECOND[name]] for name in second}
    assert {name: found[name] for name in found if name.startswith("WABA_SECOND")} == wanted
    database = evaluated("__waba_database_environment", values)
    assert (database["MYSQL_USER"], database["MYSQL_PASSWORD"]) == (user, present["waba_database_password"])
    assert database["MYSQL_ROOT_PASSWORD"] == present["waba_database_root_password"]


def test_variables_of_a_rotation_are_those_of_the_state_machine() -> None:
    assert sorted(evaluated("__waba_pending_secrets", BEFORE)) == sorted(rotation.PENDING)
    assert sorted(evaluated("__waba_secrets", BEFORE)) == sorted(rotation.ROTATABLE)
    specification = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specification["argument_specs"]["settings"]["options"]
    specified = [name for name in options if name.startswith(("waba_next_", "waba_previous_"))]
    assert sorted(specified) == sorted(rotation.PENDING)


@pytest.mark.parametrize(
    ("values", "unfinished"),
    [
        (BEFORE, []),
        (ACCEPT, list(rotation.ROTATABLE)),
        (USE, [secret for secret in rotation.ROTATABLE if secret not in ("waba_admin_password", "waba_jwt_key")]),
        (FINISHED, []),
    ],
)
def test_unfinished_rotation_is_known(values: dict[str, str], unfinished: list[str]) -> None:
    assert sorted(evaluated("__waba_unfinished_rotation", values)) == sorted(unfinished)
