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
        {"no_such_setting": 1},
        {"webhooks": {"uri": "https://client.example/"}},
        {"webhooks": {"url": "http://client.example/"}},
        {"webhooks": {"url": "https://"}},
        {"webhooks": {"url": "https:///path"}},
        {"webhooks": {"url": "https://client.example:99999/"}},
        {"webhooks": {"url": "https://[client/"}},
        {"webhooks": {"url": "https://client.example/\n"}},
        {"webhooks": {"url": "https://client example/"}},
        {"webhooks": {"url": None}},
        {"webhooks": None},
        {"webhooks": {"max_concurrent_requests": 7}},
        {"webhooks": {"max_concurrent_requests": "6"}},
        {"heartbeat_interval": 0},
        {"heartbeat_interval": 5.5},
        {"heartbeat_interval": True},
        {"heartbeat_interval": 10**30},
        {"heartbeat_interval": 20},
        {"unhealthy_interval": 9},
        {"sent_status": 1},
        {"log_level": "loud"},
        {"media": {"auto_download": ["films"]}},
        {"pass_through": True},
        {"db_garbagecollector_enable": False},
        {"tcp_listen_address": "any"},
        {"callback_backoff_delay_ms": "3 s"},
        {"callback_backoff_delay_ms": "0"},
        {"max_callback_backoff_delay_ms": "9" * 100},
    ],
)
def test_invalid_change_is_refused_completely(admin: Client, change: dict) -> None:
    before = read(admin)
    assert error_of(admin.call("PATCH", PATH, {"verbose_logging": True, **change})) == (400, 1009)
    assert read(admin) == before


def test_own_number_cannot_be_set(admin: Client) -> None:
    assert error_of(admin.call("PATCH", PATH, {"wa_id": "49151"})) == (400, 1010)


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


def test_refusal_of_a_historic_setting_names_its_replacement(admin: Client) -> None:
    refused = admin.call("PATCH", PATH, {"db_garbagecollector_enable": False})
    assert "garbagecollector_enable.messages" in refused.json()["errors"][0]["details"]


def test_delay_may_be_sent_as_text(admin: Client) -> None:
    assert admin.call("PATCH", PATH, {"callback_backoff_delay_ms": "4000"}).status_code == 200
    assert read(admin)["callback_backoff_delay_ms"] == 4000


def test_webapp_logs_at_the_level_of_the_settings(admin: Client, cluster: Cluster) -> None:
    def logs_a_call() -> bool:
        before = cluster.nodes["webapp1"].log.read_text()
        read(admin)
        return cluster.nodes["webapp1"].log.read_text() != before

    assert admin.call("PATCH", PATH, {"log_level": "warning"}).status_code == 200
    wait_until(lambda: not logs_a_call())
    assert admin.call("PATCH", PATH, {"verbose_logging": True}).status_code == 200
    wait_until(logs_a_call)
