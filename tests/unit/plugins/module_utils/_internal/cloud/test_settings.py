# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud.settings import problems, setting_of

IMAGES = ["waba/node:v1.0.0"]
SOUND = {
    "waba_upstream": "cloud",
    "waba_environment": {},
    "waba_cloud_phone_number_id": "106540352242922",
    "waba_cloud_waba_id": "102290129340398",
    "waba_cloud_base_url": "https://graph.facebook.com",
    "waba_cloud_version": "v25.0",
    "waba_proxy": "",
    "waba_cloud_proxy": "",
    "waba_cloud_webhook_url": "https://waba.example.com/webhooks",
    "waba_cloud_rate": 0,
    "waba_cloud_grace": 60,
    "waba_cloud_link_hosts": [],
}
STAND_IN = {"waba_cloud_base_url": "http://172.17.0.1:6270", "waba_cloud_webhook_url": "http://172.17.0.1:9290/hook"}
SECRETS = {"waba_cloud_token": "EAAB", "waba_cloud_app_secret": "0123456789abcdef"}


def judged(
    secrets: dict[str, Any] | None = None, images: Sequence[str] = (IMAGES[0],), **changes: Any
) -> list[tuple[str, str]]:
    """Return (variable, problem) of each problem, then of each warning."""
    found, warnings = problems({**SOUND, **changes}, secrets or SECRETS, list(images))
    return [(one.variable, one.problem) for one in [*found, *warnings]]


def test_sound_settings_have_no_problem() -> None:
    assert judged() == []
    assert (
        judged(waba_cloud_proxy="http://proxy.example.com:3128", waba_cloud_link_hosts=["10.0.0.5", "files.lan"]) == []
    )
    assert judged(waba_cloud_webhook_url="https://a.example/" + "x" * 182) == []


@pytest.mark.parametrize("upstream", ["loopback", "ws://172.17.0.1:29292", "wss://service.example.com:443/path"])
def test_settings_of_the_cloud_api_are_checked_for_that_upstream_only(upstream: str) -> None:
    assert judged(waba_upstream=upstream, waba_cloud_phone_number_id="", waba_cloud_version="x") == []


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("waba_upstream", "carrier pigeon", "there is no such upstream"),
        ("waba_upstream", "", "there is no such upstream"),
        ("waba_cloud_phone_number_id", "", "the Cloud API needs it"),
        ("waba_cloud_phone_number_id", "+15551234567", "an id of Meta has digits only"),
        ("waba_cloud_waba_id", "my business", "an id of Meta has digits only"),
        ("waba_cloud_waba_id", "106540352242922", "it is the same as waba_cloud_phone_number_id"),
        ("waba_cloud_base_url", "graph.facebook.com", "it is no URL of a server"),
        ("waba_cloud_base_url", "https://graph.facebook.com:port", "it is no URL of a server"),
        (
            "waba_cloud_base_url",
            "http://graph.facebook.com",
            "it is not https, so the token would cross the network in plain text",
        ),
        ("waba_cloud_version", "25", "it is no version of the Graph API"),
        ("waba_cloud_proxy", "proxy.example.com:3128", "it is no URL of an HTTP proxy with a port"),
        ("waba_cloud_proxy", "http://proxy.example.com", "it is no URL of an HTTP proxy with a port"),
        ("waba_cloud_webhook_url", "", "the Cloud API needs it"),
        ("waba_cloud_webhook_url", "http://waba.example.com/x", "it is not https, which Meta requires"),
        ("waba_cloud_webhook_url", "https://waba.example.com/a b", "it is no URL that Meta can call"),
        (
            "waba_cloud_webhook_url",
            "https://a.example/" + "x" * 183,
            "it has 201 characters, and Meta accepts 200",
        ),
        ("waba_cloud_webhook_url", "https://10.1.2.3/x", "Meta cannot reach this address from the internet"),
        ("waba_cloud_webhook_url", "https://localhost/x", "Meta cannot reach this address from the internet"),
        ("waba_cloud_rate", -1, "it is not between 0 and 1000 messages per second"),
        ("waba_cloud_grace", 86401, "it is not between 1 and 86400 seconds"),
    ],
)
def test_invalid_setting_is_a_problem(variable: str, value: Any, problem: str) -> None:
    assert judged(**{variable: value}) == [(variable, problem)]


def test_host_of_links_has_no_port() -> None:
    assert judged(waba_cloud_link_hosts=["files.lan:8080"]) == [
        ("waba_cloud_link_hosts[0]", "it is neither a host name nor an address")
    ]


def test_http_is_accepted_for_a_stand_in_on_a_private_address() -> None:
    assert judged(**STAND_IN) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("waba_cloud_token", "EAAB EAAC", "it contains white space"),
        ("waba_cloud_app_secret", "one,two", "it contains white space or a comma"),
        ("waba_cloud_previous_app_secret", "one two", "it contains white space or a comma"),
        ("waba_cloud_previous_app_secret", SECRETS["waba_cloud_app_secret"], "it is the same as waba_cloud_app_secret"),
        ("waba_cloud_pin", "12345", "it does not have six digits"),
    ],
)
def test_invalid_secret_is_reported_without_its_value(name: str, value: str, problem: str) -> None:
    found, warnings = problems(SOUND, {**SECRETS, name: value}, IMAGES)
    assert [(one.variable, one.value, one.problem) for one in [*found, *warnings]] == [(name, "(redacted)", problem)]


def test_variable_that_overrides_a_setting_is_refused_by_name() -> None:
    (found,), _warnings = problems(
        {**SOUND, "waba_environment": {"WABA_CLOUD_TOKEN": "x", "EXTRA": 1}}, SECRETS, IMAGES
    )
    assert (found.variable, found.fix) == ("waba_environment.WABA_CLOUD_TOKEN", "Remove it, and set waba_cloud_token")


def test_the_vendors_client_does_not_have_the_upstream() -> None:
    assert judged(images=["docker.whatsapp.biz/web:v2.57.2"]) == [
        ("waba_upstream", "the vendor's client does not have this upstream")
    ]


def test_variables_of_the_node_lead_to_their_settings() -> None:
    assert setting_of("WABA_CLOUD_APP_SECRETS") == "waba_cloud_app_secret"
    assert setting_of("WABA_UPSTREAM") == "waba_upstream"


def test_invalid_proxy_of_the_hosts_is_not_reported_twice() -> None:
    assert judged(waba_proxy="proxy:3128", waba_cloud_proxy="proxy:3128") == []
