# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The problems of the account of the Cloud API and the actions that set it up, from the answers of the node's commands and of Meta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud.settings import setting_of
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import REDACTED

UNAUTHORIZED = 401
TOKEN_CODES = (0, 104, 190)  # https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
OBJECT_CODES = (33, 100, 803)
PERMISSION_CODES = (3, 10, *range(200, 300))
# Action of the node's command cloud-setup: (object, action, reason without a former state) of the plan of a run.
ACTIONS = {
    "register": ("phone number {waba_cloud_phone_number_id}", "register", "it is not registered"),
    "set_webhook": ("webhook of the phone number", "set", "it is not set"),
    "subscribe_app": ("app of WhatsApp Business Account {waba_cloud_waba_id}", "subscribe", "it is not subscribed"),
}
SET_UP_COMMAND = "cloud-setup"
NO_IMAGE = ("account of the Cloud API", "set up", "the missing parts are known once the host has the image")


def problems(reported: Iterable[Mapping[str, Any]], environment: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that a command of the node reported, with the settings in place of its environment variables.

    environment: the variables that the command had. It reports no value of a secret.
    """
    found = []
    for one in reported:
        variable = str(one.get("variable") or "")
        value = REDACTED if one.get("value") is None and variable in environment else one.get("value")
        found.append(Problem(setting_of(variable), value, str(one["problem"]), _with_settings(str(one["fix"]))))
    return found


def warnings(reported: Iterable[Mapping[str, Any]], environment: Mapping[str, Any]) -> list[Problem]:
    """Return the warnings that a command of the node reported, as `problems` does, without those of which the plan of the run has the change."""
    return problems((one for one in reported if SET_UP_COMMAND not in str(one["fix"])), environment)


def changes(actions: Iterable[Mapping[str, Any]], ids: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (object, action, reason) for the actions of the command cloud-setup. ids: the settings that name the number and the account."""
    found = []
    for one in actions:
        other = (str(one["action"]).replace("_", " "), "set up", "it is not set up")
        name, action, missing = ACTIONS.get(one["action"], other)
        found.append((name.format(**ids), action, f"it is {one['before']}" if one.get("before") else missing))
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
    """Return a sentence of the node with the names of settings in place of its environment variables."""
    sentence = " ".join(setting_of(word) if word.startswith("WABA_") else word for word in text.split(" "))
    return sentence if sentence.startswith("waba_") else sentence[:1].upper() + sentence[1:]
