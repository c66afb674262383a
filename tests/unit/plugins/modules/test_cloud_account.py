# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The modules of the account, with invented answers of the node's commands and a server in the place of Meta."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud.io import account_commands
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import cloud_account, cloud_account_info

TOKEN, URL = "EAAB-a-token", "https://waba.example.com/webhooks"
ENVIRONMENT = {
    "WABA_UPSTREAM": "cloud",
    "WABA_CLOUD_PHONE_NUMBER_ID": "106540352242922",
    "WABA_CLOUD_WABA_ID": "102290129340398",
    "WABA_CLOUD_TOKEN": TOKEN,
    "WABA_CLOUD_BASE_URL": "https://graph.facebook.com",
    "WABA_CLOUD_VERSION": "v25.0",
}
OPTIONS = {"image": "waba/node:v1.0.0", "environment": ENVIRONMENT, "webhook_url": URL}
SOUND = {"problems": [], "warnings": [], "number": {"status": "CONNECTED"}}
SET_UP = {
    "changed": True,
    "actions": [
        {"action": "register", "before": None, "after": "registered", "done": False},
        {"action": "set_webhook", "before": "https://old.example/", "after": URL, "done": False},
        {"action": "subscribe_app", "before": None, "after": "subscribed", "done": False},
    ],
    "problems": [],
    "warnings": [],
}
CHANGES = [
    ["phone number 106540352242922", "register", "it is not registered"],
    ["webhook of the phone number", "set", "it is https://old.example/"],
    ["app of WhatsApp Business Account 102290129340398", "subscribe", "it is not subscribed"],
]
DEAD_TOKEN = {
    "variable": "WABA_CLOUD_TOKEN",
    "value": None,
    "problem": "Meta refuses it: the session has expired",
    "fix": "Create a new one and set WABA_CLOUD_TOKEN to it",
}


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The answers of the node's commands, by the command. An exception is raised, {} is an image without commands. "calls": the arguments of each call."""
    answers: dict[str, Any] = {"cloud-check": SOUND, "cloud-setup": SET_UP, "image": True, "calls": []}

    def run(_cluster: str, _image: str, environment: dict[str, Any], *arguments: str) -> dict[str, Any]:
        assert not set(arguments) & set(environment.values()), "a value of the environment is an argument"
        answers["calls"].append(arguments)
        answer = answers[arguments[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(account_commands, "run", run)
    monkeypatch.setattr(account_commands, "has_image", lambda _image: answers["image"])
    return answers


def trust(monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    context = ssl.create_default_context(cafile=server.ca_path)
    monkeypatch.setattr(ssl, "_create_default_https_context", lambda: context)


def test_set_up_is_planned_without_being_done(run: Callable[..., dict], node: dict[str, Any]) -> None:
    result = run(cloud_account_info, **OPTIONS)
    assert (result["changed"], result["source"], result["problems"]) == (False, "node", [])
    assert result["changes"] == CHANGES
    assert node["calls"][1] == ("cloud-setup", "--webhook-url", URL, "--check")


def test_problem_of_the_node_names_the_settings_and_no_secret(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["cloud-check"] = {**SOUND, "problems": [DEAD_TOKEN]}
    result = run(cloud_account_info, **OPTIONS)
    assert result["problems"] == [
        {
            "variable": "waba_cloud_token",
            "value": "(redacted)",
            "problem": "Meta refuses it: the session has expired",
            "fix": "Create a new one and set waba_cloud_token to it",
        }
    ]
    assert result["changes"] == []
    assert len(node["calls"]) == 1, "the set-up is not asked for with a token that is dead"


def test_warning_of_which_the_plan_has_the_change_is_left_out(run: Callable[..., dict], node: dict[str, Any]) -> None:
    unregistered = {**DEAD_TOKEN, "variable": "WABA_CLOUD_PHONE_NUMBER_ID", "fix": "cloud-setup registers it"}
    node["cloud-check"] = {
        **SOUND,
        "warnings": [unregistered, {**DEAD_TOKEN, "problem": "the token expires in 3 days"}],
    }
    (risk,) = run(cloud_account_info, **OPTIONS)["risks"]
    assert risk["problem"] == "the token expires in 3 days"


def test_missing_secret_is_reported_as_not_set(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["cloud-check"] = {**SOUND, "problems": [{**DEAD_TOKEN, "variable": "WABA_CLOUD_PIN"}]}
    (problem,) = run(cloud_account_info, **OPTIONS)["problems"]
    assert (problem["variable"], problem["value"]) == ("waba_cloud_pin", None)


def test_command_that_fails_is_reported(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["cloud-check"] = HostError("cloud-check in waba/node:v1.0.0 failed with status 2")
    assert "failed with status 2" in run(cloud_account_info, **OPTIONS)["msg"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"id": "106540352242922"}, {}), None),
        (
            (401, {"error": {"code": 190, "message": f"Malformed access token {TOKEN}"}}, {}),
            ("waba_cloud_token", "Meta refuses it: Malformed access token (redacted)"),
        ),
        (
            (403, {"error": {"code": 200, "message": "Requires whatsapp_business_management"}}, {}),
            ("waba_cloud_token", "it lacks a permission: Requires whatsapp_business_management"),
        ),
        (
            (400, {"error": {"code": 100, "message": "Object does not exist"}}, {}),
            ("waba_cloud_phone_number_id", "Meta does not know it: Object does not exist"),
        ),
        ((503, b"<html>", {}), None),
        ((302, {}, {"Location": "https://elsewhere.example/"}), None),
    ],
)
def test_host_without_the_image_asks_once(
    run: Callable[..., dict],
    node: dict[str, Any],
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple,
    expected: tuple | None,
) -> None:
    trust(monkeypatch, server)
    node["image"] = False
    server.answer = lambda *_call: answer
    result = run(cloud_account_info, **{**OPTIONS, "environment": {**ENVIRONMENT, "WABA_CLOUD_BASE_URL": server.url}})
    assert [(one["variable"], one["problem"]) for one in result["problems"]] == ([expected] if expected else [])
    assert (result["source"], bool(result["changes"])) == ("probe", expected is None)
    assert [(call[1], call[2]) for call in server.calls] == [("/v25.0/106540352242922?fields=id", f"Bearer {TOKEN}")]
    assert TOKEN not in str(result)


def test_network_that_does_not_lead_to_meta_is_a_problem(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["image"] = False
    environment = {**ENVIRONMENT, "WABA_CLOUD_BASE_URL": "http://127.0.0.1:1"}
    (problem,) = run(cloud_account_info, **{**OPTIONS, "environment": environment})["problems"]
    assert (problem["variable"], problem["problem"]) == (
        "waba_cloud_base_url",
        "it does not answer: [Errno 111] Connection refused",
    )


def test_image_that_is_older_than_the_command_is_no_problem(
    run: Callable[..., dict], node: dict[str, Any], server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, server)
    node["cloud-check"] = {}
    server.answer = lambda *_call: (200, {}, {})
    result = run(cloud_account_info, **{**OPTIONS, "environment": {**ENVIRONMENT, "WABA_CLOUD_BASE_URL": server.url}})
    assert (result["source"], result["problems"]) == ("probe", [])


@pytest.mark.parametrize("check_mode", [False, True])
def test_account_is_set_up_except_in_check_mode(
    run: Callable[..., dict], node: dict[str, Any], check_mode: bool
) -> None:
    result = run(cloud_account, check_mode=check_mode, **OPTIONS)
    assert (result["changed"], result["changes"]) == (True, CHANGES)
    assert node["calls"] == [("cloud-setup", "--webhook-url", URL, *(["--check"] if check_mode else []))]


def test_webhook_is_left_out_before_the_webapps_serve(run: Callable[..., dict], node: dict[str, Any]) -> None:
    run(cloud_account, webhook=False, **OPTIONS)
    assert node["calls"] == [("cloud-setup", "--webhook-url", URL, "--without-webhook")]


def test_account_that_is_set_up_is_not_changed(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["cloud-setup"] = {**SET_UP, "changed": False, "actions": []}
    result = run(cloud_account, **OPTIONS)
    assert (result["changed"], result["changes"], result["diff"]["after"]) == (False, [], "")


def test_refused_set_up_fails_with_the_settings_by_name(run: Callable[..., dict], node: dict[str, Any]) -> None:
    node["cloud-setup"] = {**SET_UP, "problems": [DEAD_TOKEN]}
    message = run(cloud_account, **OPTIONS)["msg"]
    assert "waba_cloud_token" in message
    assert "the session has expired" in message
    node["cloud-setup"] = {}
    assert "has no command cloud-setup" in run(cloud_account, **OPTIONS)["msg"]
