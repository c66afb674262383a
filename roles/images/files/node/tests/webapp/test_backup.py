from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from api_support import Client, error_of
from hypothesis import given, settings
from hypothesis import strategies as st
from waba_node.webapp.backup import BackupError, seal, unseal

PASSWORD = "a backup's password"
SETTINGS = "/v1/settings/application"


@settings(max_examples=8, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=20), max_size=4), st.text(max_size=20))
def test_sealed_content_opens_only_with_its_password(content: dict, password: str) -> None:
    data = seal(content, password)
    assert unseal(data, password) == content
    with pytest.raises(BackupError, match="password"):
        unseal(data, password + "x")


SEALED = base64.b64decode(seal({"settings": {"secret": "value"}}, PASSWORD))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_detected(place: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= change
    with pytest.raises(BackupError):
        unseal(base64.b64encode(changed).decode(), PASSWORD)


@pytest.mark.parametrize("length", [0, 5, 14, 20, 40, len(SEALED) - 1])
def test_truncated_backup_is_refused(length: int) -> None:
    with pytest.raises(BackupError):
        unseal(base64.b64encode(SEALED[:length]).decode(), PASSWORD)


def test_sealed_content_is_unreadable_and_unique() -> None:
    assert b"secret" not in SEALED
    assert seal({}, PASSWORD) != seal({}, PASSWORD)


# -- the calls ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def _defaults_afterwards(admin: Client) -> Iterator[None]:
    yield
    assert admin.call("DELETE", SETTINGS).status_code == 200


def backup(admin: Client) -> str:
    answer = admin.call("POST", "/v1/settings/backup", {"password": PASSWORD})
    assert answer.status_code == 200
    return answer.json()["settings"]["data"]


def read(client: Client) -> dict:
    return client.call("GET", SETTINGS).json()["settings"]["application"]


@pytest.mark.usefixtures("_defaults_afterwards")
def test_restore_replaces_settings_and_registration(admin: Client, second_webapp: Client) -> None:
    number = {"cc": "49", "phone_number": "15112345678", "method": "sms", "cert": "c2VjcmV0"}
    if admin.call("POST", "/v1/account", number).status_code == 202:
        assert admin.call("POST", "/v1/account/verify", {"code": "123456"}).status_code == 201
    admin.call("PATCH", SETTINGS, {"heartbeat_interval": 3, "webhooks": {"url": "https://client.example/"}})
    admin.call("PATCH", "/v1/settings/profile/about", {"text": "As it was"})
    before, data = read(admin), backup(admin)
    admin.call("PATCH", SETTINGS, {"heartbeat_interval": 4, "sent_status": False})
    admin.call("PATCH", "/v1/settings/profile/about", {"text": "As it is"})
    answer = second_webapp.as_caller(admin.session.headers["Authorization"]).call(
        "POST", "/v1/settings/restore", {"password": PASSWORD, "data": data}
    )
    assert answer.status_code == 200
    assert read(admin) == before
    assert before["wa_id"] == "4915112345678"
    assert admin.call("GET", "/v1/settings/profile/about").json()["settings"]["profile"]["about"]["text"] == "As it was"


@pytest.mark.usefixtures("_defaults_afterwards")
def test_restore_with_a_wrong_password_changes_nothing(admin: Client) -> None:
    data = backup(admin)
    admin.call("PATCH", SETTINGS, {"heartbeat_interval": 4})
    refused = admin.call("POST", "/v1/settings/restore", {"password": "another password", "data": data})
    assert error_of(refused) == (400, 1009)
    assert read(admin)["heartbeat_interval"] == 4


def test_backup_with_another_number_of_shards_is_refused(admin: Client) -> None:
    data = seal({"shards": 32, "documents": {}}, PASSWORD)
    refused = admin.call("POST", "/v1/settings/restore", {"password": PASSWORD, "data": data})
    assert error_of(refused) == (400, 1009)
    assert "32 shards" in refused.json()["errors"][0]["details"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"shards": "1", "documents": {}},
        {"shards": 1, "documents": {"settings": 1}},
        {"shards": 1, "documents": {"settings": {"heartbeat_interval": -1}}},
    ],
)
def test_sealed_text_without_a_backup_is_refused(admin: Client, content: dict) -> None:
    sealed = {"password": PASSWORD, "data": seal(content, PASSWORD)}
    assert error_of(admin.call("POST", "/v1/settings/restore", sealed))[0] == 400


@pytest.mark.parametrize(
    ("body", "code"), [({}, 1008), ({"password": "short"}, 1009), ({"password": ["12345678"]}, 1009)]
)
def test_backup_requires_a_valid_password(admin: Client, body: dict, code: int) -> None:
    assert error_of(admin.call("POST", "/v1/settings/backup", body)) == (400, code)
