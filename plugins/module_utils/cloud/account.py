# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the node's commands and Meta's answers say about the account of the Cloud API: problems, and the actions that set it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils.cloud.settings import setting_of
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils.secrets.validation import REDACTED

UNAUTHORIZED = 401
TOKEN_CODES = (0, 104, 190)  # https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
OBJECT_CODES = (33, 100, 803)
PERMISSION_CODES = (3, 10, *range(200, 300))
# Action of the node's command cloud-setup: (thing, action) of the plan of a run.
ACTIONS = {
    "register": ("phone number {waba_cloud_phone_number_id}", "register"),
    "set_webhook": ("webhook of the phone number", "set"),
    "subscribe_app": ("app of WhatsApp Business Account {waba_cloud_waba_id}", "subscribe"),
}
NO_IMAGE = ("account of the Cloud API", "set up", "what it lacks is known once the host has the image")


def problems(reported: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Return the problems that a command of the node reported, with the settings in place of its environment variables."""
    return [
        Problem(
            setting_of(str(one.get("variable") or "")),
            REDACTED if one.get("value") is None else one["value"],
            str(one["problem"]),
            _with_settings(str(one["fix"])),
        )
        for one in reported
    ]


def changes(actions: Iterable[Mapping[str, Any]], ids: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (thing, action, reason) for the actions of the command cloud-setup. ids: the settings that name the number and the account."""
    found = []
    for one in actions:
        thing, action = ACTIONS.get(one["action"], (str(one["action"]).replace("_", " "), "set up"))
        reason = f"it is {one['before']}" if one.get("before") else "it is not set"
        found.append((thing.format(**ids), action, reason))
    return found


def ids(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that name the number and the account. environment: the variables of the Cloud API."""
    names = ("WABA_CLOUD_PHONE_NUMBER_ID", "WABA_CLOUD_WABA_ID")
    return {setting_of(name): str(environment[name]) for name in names}


def probe_problems(answer: Mapping[str, Any], token: str) -> list[Problem]:
    """Return the problems that one request for the phone number finds. Other answers than these are left to the node's command.

    answer: {"error"} with the reason why there is no answer, or {"status", "code", "message"}; code: Meta's, None for success or another server's answer.
    """
    if answer.get("error"):
        fix = "Let this host reach Meta by HTTPS, or set waba_cloud_proxy"
        return [Problem("waba_cloud_base_url", answer["url"], f"it does not answer: {answer['error']}", fix)]
    code, message = answer["code"], str(answer["message"]).replace(token, REDACTED)
    if answer["status"] == UNAUTHORIZED or code in TOKEN_CODES:
        fix = "Create a new token of a System User in Meta Business Suite"
        return [Problem("waba_cloud_token", REDACTED, f"Meta refuses it: {message}", fix)]
    if code in PERMISSION_CODES:
        fix = "Give its System User the app and the WhatsApp Business Account, and both permissions of WhatsApp"
        return [Problem("waba_cloud_token", REDACTED, f"it lacks a permission: {message}", fix)]
    if code in OBJECT_CODES:
        fix = "Copy the phone number ID again, and give the token's System User the WhatsApp Business Account"
        return [Problem("waba_cloud_phone_number_id", answer["id"], f"Meta does not know it: {message}", fix)]
    return []


def _with_settings(text: str) -> str:
    """Return a text of the node with the names of settings in place of its environment variables."""
    return " ".join(setting_of(word) if word.startswith("WABA_") else word for word in text.split(" "))
