"""The inspection and the set-up of the account, against the stand-in of the Cloud API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.rehearsal.standin_support import APP, NUMBER, TOKEN, WABA, Client, running
from waba_node import __main__ as program
from waba_node.config import CloudConfig
from waba_node.upstream.cloud.graph import GraphClient
from waba_node.upstream.cloud.inspection import Number, Report, inspect, is_registered
from waba_node.upstream.cloud.setup import Outcome, set_up_account

URL = "https://hooks.example.com/whatsapp"


@pytest.fixture
async def cloud() -> AsyncIterator[Client]:
    async with running(subscribed=False) as client:
        yield client


def config_of(cloud: Client, **changes: Any) -> CloudConfig:
    values: dict[str, Any] = {
        "phone_number_id": NUMBER,
        "waba_id": WABA,
        "token": TOKEN,
        "pin": "123456",
        "base_url": cloud.address,
    }
    return CloudConfig(app_secrets=("s",), verify_token="verify-me", **{**values, **changes})


async def report_of(cloud: Client, url: str | None = None, **changes: Any) -> Report:
    config = config_of(cloud, **changes)
    client = GraphClient.configured(config)
    try:
        return await inspect(client, config, url)
    finally:
        await client.close()


async def set_up(cloud: Client, url: str, check: bool = False, webhook: bool = True, **changes: str) -> Outcome:
    config = config_of(cloud, **changes)
    client = GraphClient.configured(config)
    try:
        return await set_up_account(client, config, url, check, webhook)
    finally:
        await client.close()


def variables(report: Report | Outcome) -> list[str]:
    return [problem.variable for problem in report.problems]


async def test_usable_account_has_no_problem(cloud: Client) -> None:
    report = await report_of(cloud, URL)
    assert (report.problems, report.warnings, report.reachable) == ([], [], True)
    assert (report.token.valid, report.token.source, report.token.app_id) == (True, "debug_token", APP)
    assert (report.token.missing_scopes, report.token.expires_at) == ([], 0)
    number = report.number
    assert (number.status, number.registered, number.in_waba, number.throughput) == (
        "CONNECTED",
        True,
        True,
        "STANDARD",
    )
    assert (report.webhook.phone_number, report.webhook.wanted, report.webhook.subscribed) == (None, URL, False)
    assert report.clock_offset is not None
    assert abs(report.clock_offset) < 30
    content = json.dumps(report.as_dict())
    assert json.loads(content)["ok"] is True
    assert TOKEN not in content
    assert "verify-me" not in content


async def test_dead_token_is_the_only_problem(cloud: Client) -> None:
    await cloud.control("behaviour", {"dead_tokens": True})
    report = await report_of(cloud)
    assert (report.token.valid, variables(report)) == (False, ["WABA_CLOUD_TOKEN"])
    assert report.number.status is None


async def test_missing_scope_is_named(cloud: Client) -> None:
    await cloud.control("behaviour", {"scopes": ["whatsapp_business_messaging"]})
    report = await report_of(cloud)
    assert report.token.missing_scopes == ["whatsapp_business_management"]
    assert "whatsapp_business_management" in report.problems[0].problem


async def test_unknown_number_and_account_are_named(cloud: Client) -> None:
    report = await report_of(cloud, phone_number_id="7", waba_id="8")
    assert variables(report) == ["WABA_CLOUD_PHONE_NUMBER_ID", "WABA_CLOUD_WABA_ID", "WABA_CLOUD_WABA_ID"]
    assert [problem.value for problem in report.problems] == ["7", "8", "8"]


async def test_unreachable_api_is_a_problem_of_its_url(cloud: Client) -> None:
    report = await report_of(cloud, base_url="http://127.0.0.1:1")
    assert (report.reachable, variables(report)) == (False, ["WABA_CLOUD_BASE_URL"])


@pytest.mark.parametrize(
    ("account", "pin", "problems", "warnings"),
    [
        ({"registered": False}, "123456", [], ["WABA_CLOUD_PHONE_NUMBER_ID"]),
        ({"registered": False}, "", ["WABA_CLOUD_PIN"], []),
        ({"registered": False, "verified": False}, "123456", ["WABA_CLOUD_PHONE_NUMBER_ID"], []),
        ({"can_send_message": "BLOCKED"}, "", [], ["WABA_CLOUD_PHONE_NUMBER_ID"]),
        ({"status": "RESTRICTED"}, "", [], ["WABA_CLOUD_PHONE_NUMBER_ID"]),
    ],
)
async def test_state_of_the_number_is_judged(
    cloud: Client, account: dict, pin: str, problems: list[str], warnings: list[str]
) -> None:
    await cloud.control("account", account)
    report = await report_of(cloud, pin=pin)
    assert (variables(report), [warning.variable for warning in report.warnings]) == (problems, warnings)


async def test_rate_above_the_throughput_level_is_a_warning(cloud: Client) -> None:
    (warning,) = (await report_of(cloud, rate=81)).warnings
    assert (warning.variable, warning.value) == ("WABA_CLOUD_RATE", "81")
    assert "STANDARD, which allows 80" in warning.problem
    assert (await report_of(cloud, rate=80)).warnings == []


async def test_url_that_meta_refuses_is_a_problem(cloud: Client) -> None:
    report = await report_of(cloud, URL + "x" * 200)
    assert variables(report) == ["WABA_CLOUD_WEBHOOK_URL"]
    config = config_of(cloud, base_url="https://graph.facebook.com")
    client = GraphClient.configured(config_of(cloud))
    report = await inspect(client, config, "http://hooks.example.com/")
    await client.close()
    assert report.problems[0].problem == "Meta calls HTTPS only"


async def test_clock_that_differs_much_is_a_warning(cloud: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GraphClient, "clock_offset", -300.4)
    report = await report_of(cloud)
    assert [warning.problem for warning in report.warnings] == ["the clock of this machine is 300 s ahead of Meta's"]


@pytest.mark.parametrize(
    ("platform", "status", "registered"),
    [
        ("CLOUD_API", "CONNECTED", True),
        ("CLOUD_API", "FLAGGED", True),
        ("CLOUD_API", "PENDING", False),
        ("NOT_APPLICABLE", "DISCONNECTED", False),
        ("ON_PREMISE", "CONNECTED", False),
        (None, "CONNECTED", True),
        (None, None, None),
    ],
)
def test_registration_follows_from_platform_and_status(
    platform: str | None, status: str | None, registered: bool | None
) -> None:
    assert is_registered(Number("7", platform_type=platform, status=status)) is registered


async def test_set_up_registers_subscribes_and_sets_the_webhook_once(cloud: Client) -> None:
    await cloud.control("account", {"registered": False})
    url = cloud.receiver.url
    planned = await set_up(cloud, url, check=True)
    assert [(action.action, action.before, action.done) for action in planned.actions] == [
        ("register", "PENDING", False),
        ("subscribe_app", None, False),
        ("set_webhook", None, False),
    ]
    assert planned.as_dict()["changed"] is True
    assert (await report_of(cloud)).number.registered is False  # a check changes nothing
    outcome = await set_up(cloud, url)
    assert (outcome.problems, [action.done for action in outcome.actions]) == ([], [True] * 3)
    report = await report_of(cloud, url)
    assert (report.number.registered, report.webhook.subscribed, report.webhook.phone_number) == (True, True, url)
    for check in (True, False):
        again = await set_up(cloud, url, check)
        assert (again.as_dict()["changed"], again.actions, again.problems) == (False, [], [])


async def test_webhook_is_left_out_before_the_webapps_serve(cloud: Client) -> None:
    await cloud.control("account", {"registered": False})
    outcome = await set_up(cloud, cloud.receiver.url, webhook=False)
    assert [(action.action, action.done) for action in outcome.actions] == [("register", True), ("subscribe_app", True)]
    assert (await report_of(cloud)).webhook.phone_number is None


async def test_changed_url_replaces_the_override(cloud: Client) -> None:
    await set_up(cloud, cloud.receiver.url)
    new = cloud.receiver.url + "/new"
    outcome = await set_up(cloud, new)
    assert [(action.action, action.before, action.after) for action in outcome.actions] == [
        ("set_webhook", cloud.receiver.url, new)
    ]


async def test_url_that_does_not_answer_is_reported_and_the_rest_is_done(cloud: Client) -> None:
    outcome = await set_up(cloud, "http://127.0.0.1:1/hook")
    assert [(action.action, action.done) for action in outcome.actions] == [
        ("subscribe_app", True),
        ("set_webhook", False),
    ]
    assert variables(outcome) == ["WABA_CLOUD_WEBHOOK_URL"]
    assert outcome.as_dict()["changed"] is True


async def test_wrong_pin_is_reported(cloud: Client) -> None:
    await cloud.control("account", {"registered": False, "pin": "654321"})
    outcome = await set_up(cloud, cloud.receiver.url)
    assert (variables(outcome), outcome.as_dict()["changed"]) == (["WABA_CLOUD_PIN"], False)


async def test_nothing_is_changed_while_there_is_a_problem(cloud: Client) -> None:
    outcome = await set_up(cloud, cloud.receiver.url, waba_id="8")
    assert "WABA_CLOUD_WABA_ID" in variables(outcome)
    assert outcome.as_dict()["changed"] is False
    assert (await report_of(cloud)).webhook.phone_number is None


@pytest.mark.parametrize("command", [["cloud-check"], ["cloud-setup", "--webhook-url", URL, "--check"]])
def test_commands_need_the_cloud_variables_only(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "WABA_UPSTREAM": "cloud",
        "WABA_CLOUD_PHONE_NUMBER_ID": NUMBER,
        "WABA_CLOUD_WABA_ID": WABA,
        "WABA_CLOUD_TOKEN": "secret-token",
        "WABA_CLOUD_APP_SECRETS": "secret-app",
        "WABA_CLOUD_VERIFY_TOKEN": "secret-verify",
        "WABA_CLOUD_BASE_URL": "http://127.0.0.1:1",
    }
    monkeypatch.setattr(program.os, "environ", environment)
    assert program.main(command) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["problems"][0]["variable"] == "WABA_CLOUD_BASE_URL"
    assert "secret" not in printed
    del environment["WABA_CLOUD_TOKEN"]
    assert program.main(command) == 2
