# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal import argspec

FRAGMENTS = {
    "api": argspec.API_OPTIONS,
    "backup": argspec.BACKUP_OPTIONS,
    "cloud_account": argspec.CLOUD_ACCOUNT_OPTIONS,
    "database": argspec.DATABASE_OPTIONS,
    "egress": argspec.EGRESS_OPTIONS,
    "hosts": argspec.HOSTS_OPTIONS,
    "plan": argspec.PLAN_OPTIONS,
}
# What an argument spec and its documentation must agree on.
COMMON = ("type", "elements", "required", "default", "choices")


def of_spec(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an argument spec in the form in which both are compared."""
    return {
        name: {**{key: option[key] for key in COMMON if key in option}, "options": of_spec(option.get("options", {}))}
        for name, option in options.items()
    }


def of_documentation(options: dict[str, Any]) -> dict[str, Any]:
    """Return documented options in the form in which both are compared."""
    return {
        name: {
            **{key: option[key] for key in COMMON if key in option},
            "options": of_documentation(option.get("suboptions", {})),
        }
        for name, option in options.items()
    }


def documented(fragment: str) -> dict[str, Any]:
    module = importlib.import_module(f"ansible_collections.waba.cluster.plugins.doc_fragments.{fragment}")
    return yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"]


def without_description(options: dict[str, Any], path: str = "") -> list[str]:
    """Return the paths of the options that have no description."""
    missing = []
    for name, option in options.items():
        missing += [] if option.get("description") else [f"{path}{name}"]
        missing += without_description(option.get("suboptions", {}), f"{path}{name}.")
    return missing


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_the_argument_spec_and_the_doc_fragment_agree(fragment: str) -> None:
    assert of_documentation(documented(fragment)) == of_spec(FRAGMENTS[fragment])


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_option_has_a_description(fragment: str) -> None:
    assert without_description(documented(fragment)) == []


def test_messages_name_the_role_variable_of_every_planned_option() -> None:
    without_variable = {"images"}  # set by waba_coreapp_image and waba_webapp_image, which messages name themselves
    assert set(argspec.PLAN_OPTIONS) - set(argspec.ROLE_VARIABLES) == without_variable
