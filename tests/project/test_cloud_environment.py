"""The environment of the nodes by upstream, from the variables of the role common as Ansible evaluates them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROLE = Path(__file__).resolve().parents[2] / "roles/common"
BASE = [
    *("WA_DB_ENGINE", "WA_DB_HOSTNAME", "WA_DB_PORT", "WA_DB_USERNAME", "WA_DB_PASSWORD", "WA_DB_NAME_PREFIX"),
    *("WA_DB_CONNECTION_IDLE_TIMEOUT", "WA_API_KEY", "WA_WEB_JWT_CRYPTO_KEY", "WA_SECRET"),
]
GIVEN: dict[str, Any] = {
    "inventory_dir": "/inventory",
    "inventory_hostname": "node1",
    "waba_topology": {"database": {"address": "db", "external": False}},
    **dict.fromkeys(("waba_database_password", "waba_api_key", "waba_jwt_key", "waba_node_secret"), "secret"),
}
CLOUD = {
    "waba_upstream": "cloud",
    "waba_cloud_phone_number_id": "106540352242922",
    "waba_cloud_waba_id": "102290129340398",
    "waba_cloud_token": "EAAB",
    "waba_cloud_app_secret": "new-secret",
    "waba_cloud_verify_token": "verify",
}
FEWEST = {
    "WABA_UPSTREAM": "cloud",
    "WABA_CLOUD_PHONE_NUMBER_ID": "106540352242922",
    "WABA_CLOUD_WABA_ID": "102290129340398",
    "WABA_CLOUD_TOKEN": "EAAB",
    "WABA_CLOUD_APP_SECRETS": "new-secret",
    "WABA_CLOUD_VERIFY_TOKEN": "verify",
    "WABA_CLOUD_BASE_URL": "https://graph.facebook.com",
    "WABA_CLOUD_VERSION": "v25.0",
    "WABA_CLOUD_UNCERTAIN": "fail",
    "WABA_CLOUD_GRACE": "60",
}


def environment(**settings: Any) -> dict[str, str]:
    """Return the variables that db.env contains with these settings."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for file in ("defaults/main.yml", "vars/main.yml"):
        variables.update(loader.load_from_file(str(ROLE / file), trusted_as_template=True))
    found = Templar(loader, {**variables, **GIVEN, **settings}).template(variables["__waba_node_environment"])
    return {str(name): str(value) for name, value in found.items()}


@pytest.mark.parametrize("settings", [{}, {"waba_upstream": "loopback"}, {**CLOUD, "waba_upstream": "loopback"}])
def test_cluster_without_the_cloud_api_has_no_variable_of_it(settings: dict[str, Any]) -> None:
    assert list(environment(**settings)) == BASE


def test_console_that_is_switched_off_is_the_only_additional_variable() -> None:
    found = environment(waba_console=False)
    assert list(found) == [*BASE, "WABA_CONSOLE"]
    assert found["WABA_CONSOLE"] == "0"


def test_websocket_service_is_the_only_additional_variable() -> None:
    found = environment(waba_upstream="ws://172.17.0.1:29292")
    assert list(found) == [*BASE, "WABA_UPSTREAM"]
    assert found["WABA_UPSTREAM"] == "ws://172.17.0.1:29292"


def test_empty_settings_of_the_cloud_api_have_no_variable() -> None:
    found = environment(**CLOUD)
    assert {name: value for name, value in found.items() if name not in BASE} == FEWEST


def test_every_setting_of_the_cloud_api_reaches_the_nodes() -> None:
    found = environment(
        **CLOUD,
        waba_cloud_previous_app_secret="old-secret",
        waba_cloud_pin="012345",
        waba_cloud_base_url="http://172.17.0.1:6270",
        waba_cloud_version="v26.0",
        waba_cloud_proxy="http://proxy.example.com:3128",
        waba_cloud_webhook_certificate="/etc/ssl/hook.pem",
        waba_cloud_webhook_key="/etc/ssl/hook.key",
        waba_cloud_rate=1000,
        waba_cloud_uncertain="resend",
        waba_cloud_grace=30,
        waba_cloud_pass_links=True,
        waba_cloud_link_hosts=["10.0.0.5", "files.lan"],
    )
    assert {name: value for name, value in found.items() if name not in BASE} == {
        **FEWEST,
        "WABA_CLOUD_APP_SECRETS": "new-secret,old-secret",
        "WABA_CLOUD_PIN": "012345",
        "WABA_CLOUD_BASE_URL": "http://172.17.0.1:6270",
        "WABA_CLOUD_VERSION": "v26.0",
        "WABA_CLOUD_PROXY": "http://proxy.example.com:3128",
        "WABA_CLOUD_WEBHOOK_CERTIFICATE": "/opt/certs/webhook.pem",
        "WABA_CLOUD_WEBHOOK_KEY": "/opt/certs/webhook.key",
        "WABA_CLOUD_RATE": "1000",
        "WABA_CLOUD_UNCERTAIN": "resend",
        "WABA_CLOUD_GRACE": "30",
        "WABA_CLOUD_PASS_LINKS": "1",
        "WABA_CLOUD_LINK_HOSTS": "10.0.0.5,files.lan",
    }
