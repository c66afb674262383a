"""Inventories whose groups do not select the hosts of a cluster."""

from __future__ import annotations

from typing import Any


def empty_group(setting: str, group: str) -> str:
    return (
        f"Nothing was touched. {setting} is '{group}': no host is in this group. "
        f"Put hosts into this group, or name another one with {setting}."
    )


def one_host_in(*groups: str) -> dict[str, Any]:
    return {group: {"hosts": {"lone": {}}} for group in groups}


# Runs in which a play would find no host: the inventory, the command line and the message.
UNSEEN: dict[str, dict[str, Any]] = {
    "groups_that_hosts_disagree_on": {
        "vars": {},
        "groups": {
            **one_host_in("waba_masters", "waba_coreapps", "waba_webapps"),
            "blue": {"hosts": {"other": {"waba_group_webapps": "blue"}}},
        },
        "message": "Nothing was touched. waba_group_webapps is \"'blue' on other; 'waba_webapps' on lone\": "
        "the hosts of the inventory disagree. Set it in group_vars/all, or on the command line with -e.",
    },
    "a_misspelled_group": {
        "vars": {},
        "groups": one_host_in("waba_masters", "waba_coreapps", "waba_webapps"),
        "arguments": ["-e", "waba_group_webapps=waba_webaps", "--limit", "lone"],
        "message": empty_group("waba_group_webapps", "waba_webaps"),
    },
    "an_empty_group": {
        "vars": {},
        "groups": {**one_host_in("waba_masters", "waba_coreapps"), "waba_webapps": {}},
        "message": empty_group("waba_group_webapps", "waba_webapps"),
    },
    "an_inventory_without_hosts": {
        "vars": {},
        "groups": {},
        "message": "Nothing was touched. The inventory has no host.",
    },
}  # fmt: skip
