"""Uploaded certificates: the CA for webhooks, and the webapps' own certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from api_support import Client, Cluster, error_of, healthy, wait_until
from cryptography import x509
from pem_support import Authority, key_pem, new_key
from tests.conftest import Receiver

CA, EXTERNAL = "/v1/certificates/webhooks/ca", "/v1/certificates/external"
SETTINGS = "/v1/settings/application"
TEXT = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}
NAME = "waba test authority"
AUTHORITY = Authority(NAME)
SERVER, KEY = AUTHORITY.server()


@pytest.fixture
def _any_receiver_afterwards(admin: Client) -> Iterator[None]:
    yield
    assert admin.call("DELETE", CA).status_code == 200
    assert admin.call("DELETE", SETTINGS).status_code == 200


@pytest.mark.usefixtures("_any_receiver_afterwards")
def test_webhooks_are_sent_only_to_receivers_with_a_certificate_of_the_ca(
    admin: Client, receiver: Receiver, tmp_path: Path, cluster: Cluster
) -> None:
    admin.call("PATCH", SETTINGS, {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 50})
    assert admin.call("POST", CA, data=AUTHORITY.pem).status_code == 200
    assert admin.call("GET", CA).content == AUTHORITY.pem
    name = admin.call("POST", "/v1/messages", TEXT).json()["messages"][0]["id"]
    wait_until(lambda: "ClientConnectorCertificateError" in cluster.logs())
    assert (name, "sent") not in receiver.statuses()
    both = AUTHORITY.pem + (tmp_path / "web.pem").read_bytes()
    assert admin.call("POST", CA, data=both).status_code == 200
    receiver.wait(lambda: (name, "sent") in receiver.statuses())


@pytest.mark.usefixtures("_any_receiver_afterwards")
def test_webhooks_reach_a_receiver_with_a_certificate_that_identifies_no_keys(admin: Client, tmp_path: Path) -> None:
    authority = Authority("old authority", identified=False)
    for name, content in zip(("web.pem", "web.key"), authority.server(), strict=True):
        (tmp_path / name).write_bytes(content)
    receiver = Receiver(str(tmp_path))
    try:
        assert admin.call("POST", CA, data=authority.pem).status_code == 200
        admin.call("PATCH", SETTINGS, {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 50})
        name = admin.call("POST", "/v1/messages", TEXT).json()["messages"][0]["id"]
        receiver.wait(lambda: (name, "sent") in receiver.statuses())
    finally:
        receiver.close()


def test_webhook_ca_is_not_found_before_it_is_set(admin: Client) -> None:
    assert error_of(admin.call("GET", CA)) == (404, 1006)
    assert admin.call("DELETE", CA).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", KEY, SERVER, AUTHORITY.pem[:-60], AUTHORITY.pem * 100],
    ids=str.split("empty nonsense key server cut many"),
)
def test_upload_without_a_ca_certificate_is_refused(admin: Client, body: bytes) -> None:
    assert error_of(admin.call("POST", CA, data=body)) == (400, 1009)


# -- the webapps' own --------------------------------------------------------------------------------------------------


def issuer(url: str) -> str:
    """Return the common name of the issuer of the served certificate."""
    place = urlsplit(url)
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((place.hostname, place.port)) as plain, unverified.wrap_socket(plain) as line:
        certificate = x509.load_der_x509_certificate(line.getpeercert(binary_form=True))
    return certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value


@pytest.fixture
def uploaded(admin: Client, cluster: Cluster, tmp_path: Path) -> Iterator[Client]:
    """The administrator's session at the first webapp once it serves the uploaded certificate."""
    assert admin.call("POST", EXTERNAL, data=SERVER + AUTHORITY.pem + KEY).status_code == 200
    wait_until(lambda: all(issuer(url) == NAME for url in cluster.urls))
    (tmp_path / "authority.pem").write_bytes(AUTHORITY.pem)
    client = Client(admin.url, tmp_path / "authority.pem", admin.session.headers["Authorization"])
    yield client
    assert client.call("DELETE", EXTERNAL).status_code == 200
    wait_until(lambda: all(issuer(url) == "127.0.0.1" for url in cluster.urls))


def test_every_webapp_serves_the_uploaded_certificate_even_if_it_starts_later(
    uploaded: Client, cluster: Cluster
) -> None:
    assert uploaded.call("GET", f"{EXTERNAL}/ca").content == AUTHORITY.pem
    cluster.nodes["webapp2"].stop()
    cluster.start_webapp("webapp2")
    wait_until(lambda: healthy(cluster.nodes["webapp2"]))
    assert issuer(cluster.urls[1]) == NAME
    assert KEY.splitlines()[1].decode() not in cluster.logs()


def test_external_ca_is_the_self_signed_certificate_by_default(admin: Client, cluster: Cluster) -> None:
    own = (cluster.folder / "webapp1" / "web.pem").read_bytes()
    assert admin.call("GET", f"{EXTERNAL}/ca").content == own


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no certificate"),
        (SERVER, "one private key"),
        (KEY, "no certificate"),
        (SERVER + KEY + KEY, "one private key"),
        (SERVER + key_pem(new_key()), "does not match the first certificate"),
        (AUTHORITY.pem + SERVER + KEY, "does not match the first certificate"),
        (SERVER + key_pem(new_key(), b"password"), "must not be encrypted"),
        (b"".join(AUTHORITY.server(days=-1)), "expired at"),
        (b"".join(AUTHORITY.server(bits=1024)), "cannot be served"),
    ],
)
def test_unusable_certificate_is_refused_and_the_current_one_remains(
    admin: Client, cluster: Cluster, body: bytes, reason: str
) -> None:
    refused = admin.call("POST", EXTERNAL, data=body)
    assert error_of(refused) == (400, 1009)
    assert reason in refused.json()["errors"][0]["details"]
    assert issuer(cluster.urls[0]) == "127.0.0.1"
