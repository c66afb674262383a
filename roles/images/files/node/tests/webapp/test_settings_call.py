from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_support import Client, Cluster, error_of, wait_until

PATH = "/v1/settings/application"
DEFAULTS = {
    "heartbeat_interval": 5,
    "unhealthy_interval": 30,
    "callback_backoff_delay_ms": 3000,
    "max_callback_backoff_delay_ms": 900000,
    "callback_persist": True,
    "sent_status": True,
    "pass_through": False,
    "webhooks": {"url": "", "max_concurrent_requests": 6, "message": {"sent": True, "delivered": True, "read": True}},
    "garbagecollector_enable": {"media": False, "messages": True},
    "notify_user_change_number": True,
    "log_level": "info",
    "verbose_logging": False,
}


@pytest.fixture(autouse=True)
def _defaults_afterwards(admin: Client) -> Iterator[None]:
    yield
    assert admin.call("DELETE", PATH).status_code == 200


def read(client: Client) -> dict:
    return client.call("GET", PATH).json()["settings"]["application"]


def test_new_cluster_has_the_documented_defaults(admin: Client) -> None:
    assert DEFAULTS.items() <= read(admin).items()


def test_change_is_partial_on_every_level(admin: Client, second_webapp: Client) -> None:
    first = {"heartbeat_interval": 2, "webhooks": {"url": "https://client.example:8443/hook?x=1"}}
    assert admin.call("PATCH", PATH, first).status_code == 200
    assert admin.call("PATCH", PATH, {"webhooks": {"message": {"read": False}}}).status_code == 200
    settings = read(second_webapp.as_caller(admin.session.headers["Authorization"]))
    assert settings["heartbeat_interval"] == 2
    assert settings["unhealthy_interval"] == 30
    assert settings["webhooks"]["url"] == "https://client.example:8443/hook?x=1"
    assert settings["webhooks"]["message"] == {"sent": True, "delivered": True, "read": False}


def test_empty_url_removes_the_receiver(admin: Client) -> None:
    admin.call("PATCH", PATH, {"webhooks": {"url": "https://client.example/"}})
    admin.call("PATCH", PATH, {"webhooks": {"url": ""}})
    assert read(admin)["webhooks"]["url"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"webhooks": {"url": "http://client.example/"}},
        {"webhooks": {"url": "https://"}},
        {"webhooks": {"url": "https:///path"}},
        {"webhooks": {"url": "https://client.example:99999/"}},
        {"webhooks": {"url": "https://[client/"}},
        {"webhooks": {"url": "https://client.example/\n"}},
        {"webhooks": {"url": "https://client example/"}},
        {"webhooks": {"max_concurrent_requests": 7}},
        {"heartbeat_interval": 0},
        {"heartbeat_interval": 5.5},
        {"heartbeat_interval": True},
        {"heartbeat_interval": 10**30},
        {"heartbeat_interval": 20},
        {"unhealthy_interval": 9},
        {"sent_status": 2},
        {"log_level": "loud"},
        {"messaging_api_rate_limit": "x" * 1001},
        {"media": {"auto_download": ["films"]}},
        {"callback_backoff_delay_ms": "3 s"},
        {"callback_backoff_delay_ms": "0"},
        {"max_callback_backoff_delay_ms": "9" * 100},
    ],
)
def test_invalid_change_is_refused_completely(admin: Client, change: dict) -> None:
    before = read(admin)
    assert error_of(admin.call("PATCH", PATH, {"verbose_logging": True, **change})) == (400, 1009)
    assert read(admin) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"webhooks": {"max_concurrent_requests": 12}}, ["webhooks.max_concurrent_requests"]),
        ({"webhooks": {"max_concurrent_requests": 6}}, None),
        ({"callback_persist": False, "heartbeat_interval": 4}, ["callback_persist"]),
        ({"heartbeat_interval": 4}, None),
    ],
)
def test_answer_names_the_settings_that_need_a_restart(admin: Client, change: dict, named: list[str] | None) -> None:
    for answer in (admin.call("PATCH", PATH, change), admin.call("DELETE", PATH)):
        assert answer.status_code == 200
        assert answer.json().get("settings", {}).get("restart_needed") == named


HISTORIC = {
    "messaging_api_rate_limit": ["15", "54", "90"],
    "contacts_scrape_rate_limit": "1000",
    "contacts_api_rate_limit": ["15", "54", "90"],
    "db_garbagecollector_enable": False,
    "tcp_listen_address": "any",
}


def test_historic_settings_are_stored_and_returned_without_effect(admin: Client, second_webapp: Client) -> None:
    answer = admin.call("PATCH", PATH, {**HISTORIC, "heartbeat_interval": "4"})
    assert answer.status_code == 200
    assert "warnings" not in answer.json()["meta"]
    there = read(second_webapp.as_caller(admin.session.headers["Authorization"]))
    assert HISTORIC.items() <= there.items()
    assert there["heartbeat_interval"] == 4
    assert there["garbagecollector_enable"]["messages"] is True
    assert admin.call("DELETE", PATH).status_code == 200
    assert not HISTORIC.keys() & read(admin).keys()


@pytest.mark.parametrize(
    ("change", "ignored"),
    [
        ({"no_such_setting": 1}, ["no_such_setting"]),
        ({"webhooks": {"uri": "https://client.example/"}}, ["webhooks.uri"]),
        ({"pass_through": True, "wa_id": "49151"}, ["pass_through", "wa_id"]),
    ],
)
def test_unknown_and_read_only_settings_are_ignored_with_a_warning(
    admin: Client, change: dict, ignored: list[str]
) -> None:
    before = read(admin)
    answer = admin.call("PATCH", PATH, {**change, "verbose_logging": True})
    assert answer.status_code == 200
    assert [warning.split()[0] for warning in answer.json()["meta"]["warnings"]] == ignored
    assert read(admin) == {**before, "verbose_logging": True}


def test_settings_can_be_sent_back_as_they_were_read(admin: Client) -> None:
    before = read(admin)
    assert admin.call("PATCH", PATH, before).status_code == 200
    assert read(admin) == before


def test_webapp_logs_at_the_level_of_the_settings(admin: Client, cluster: Cluster) -> None:
    def logs_a_call() -> bool:
        before = cluster.nodes["webapp1"].log.read_text()
        read(admin)
        return cluster.nodes["webapp1"].log.read_text() != before

    assert admin.call("PATCH", PATH, {"log_level": "warning"}).status_code == 200
    wait_until(lambda: not logs_a_call())
    assert admin.call("PATCH", PATH, {"verbose_logging": True}).status_code == 200
    wait_until(logs_a_call)
