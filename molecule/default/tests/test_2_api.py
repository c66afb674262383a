"""The /v1 API from a client's view."""

from __future__ import annotations

import random

import requests
from conftest import BASE, Api, Cluster, Receiver


def test_default_password_is_rejected(api: Api) -> None:
    assert api.login("secret").status_code == 401


def test_api_key_grants_health_only(api: Api) -> None:
    key = {"Authorization": f"Apikey {api.secrets['waba_api_key']}"}
    assert requests.get(f"{BASE}/v1/health", headers=key, verify=False, timeout=10).status_code == 200
    assert requests.get(f"{BASE}/v1/settings/application", headers=key, verify=False, timeout=10).status_code == 401


def test_text_message_is_sent_and_delivered(api: Api, receiver: Receiver) -> None:
    answer = api.send("Hello")
    assert answer.status_code == 200, answer.text
    (message,) = answer.json()["messages"]
    assert receiver.statuses_of(message["id"], 2) == ["sent", "delivered"]


def test_nodes_contain_the_tools_of_the_vendors_diagnostic_command(cluster: Cluster) -> None:
    command = ["sh", "-c", "curl --version && nc -h 2>&1"]
    nodes = [
        one for one in cluster.containers() if one.labels.get("waba.cluster.role") in ("webapp", "coreapp", "master")
    ]
    assert nodes
    for node in nodes:
        answer = node.exec_run(command)
        assert answer.exit_code == 0, answer.output


def test_webhooks_are_retried_until_the_receiver_accepts_them(api: Api, receiver: Receiver) -> None:
    receiver.answer = 503
    (message,) = api.send("Are you there?").json()["messages"]
    assert receiver.statuses_of(message["id"], 1, seconds=2) == []
    receiver.answer = 200
    assert receiver.statuses_of(message["id"], 2) == ["sent", "delivered"]


def test_only_the_primary_master_reports_database_statistics(api: Api) -> None:
    key = {"Authorization": f"Apikey {api.secrets['waba_api_key']}"}
    answer = requests.get(f"{BASE}/v1/stats/db", headers=key, verify=False, timeout=10).json()["stats"]
    (primary,) = [name for name, node in api.health().items() if node["role"] == "primary_master"]
    assert [name for name, stats in answer.items() if stats] == [primary]
    counts = {sample["labels"]["type"]: sample["value"] for sample in answer[primary]["db"]["db_messages"]["data"]}
    assert counts["delivered"] > 0


def test_invalid_message_is_refused_in_the_documented_envelope(api: Api) -> None:
    answer = api.call("POST", "messages", {"to": "15551234567", "type": "text"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == 1008
    assert answer.json()["meta"]["api_status"] == "stable"


def test_settings_change_at_run_time(api: Api, receiver: Receiver) -> None:
    settings_change = {"webhooks": {"message": {"sent": False}}}
    assert api.call("PATCH", "settings/application", settings_change).status_code == 200
    settings = api.call("GET", "settings/application").json()["settings"]["application"]
    assert settings["webhooks"]["message"] == {"sent": False, "delivered": True, "read": True}
    assert settings["webhooks"]["url"] == receiver.url
    (message,) = api.send("Only delivered").json()["messages"]
    assert receiver.statuses_of(message["id"], 2, seconds=3) == ["delivered"]


def test_loopback_upstream_registers_any_number(api: Api) -> None:
    number = f"555{random.randrange(10**7):07d}"
    request = {"cc": "1", "phone_number": number, "method": "sms", "cert": "cmVoZWFyc2Fs"}
    assert api.call("POST", "account", request).status_code == 202
    wrong = api.call("POST", "account/verify", {"code": "654321"})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (403, 1005)
    assert api.call("POST", "account/verify", {"code": "123456"}).status_code == 201
    assert api.call("POST", "account", request).status_code == 201
    assert api.call("GET", "settings/application").json()["settings"]["application"]["wa_id"] == f"1{number}"
