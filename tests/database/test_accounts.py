"""The rotation of passwords and of the certificate on a running server, which is not restarted."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import accounts
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import (
    DatabaseClient,
    RootClient,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.modules import database_account, database_certificate
from conftest import CLUSTER, Server, run_command
from cryptography import x509

AWKWARD = 'it\'s \\ a "password" `of` # -- ; %'
UNSET = dict.fromkeys(("host", "port", "password_file", "tls_ca", "tls_certificate", "tls_key"))


def module(**params: Any) -> Any:
    """Return a stand-in for AnsibleModule."""
    return SimpleNamespace(params={"cluster_name": CLUSTER, **params}, run_command=run_command, check_mode=False)


def login(user: str, password: str) -> list[tuple[str, ...]]:
    """Log in with the client in the container, and read the database of the nodes."""
    client = DatabaseClient(run_command, CLUSTER, {**UNSET, "name": "waba", "user": user, "password": password})
    return client.rows("SELECT 1;", "waba")


@pytest.fixture
def root(server: Server) -> Iterator[RootClient]:
    yield RootClient(run_command, CLUSTER)
    RootClient(run_command, CLUSTER).rows(accounts.remove("waba_2"))


@pytest.mark.parametrize("password", ["simple", AWKWARD])
def test_second_account_serves_the_database_and_is_removed(server: Server, root: RootClient, password: str) -> None:
    options = {"name": "waba_2", "password": password, "database": "waba"}
    assert database_account.present(module(**options), root)
    assert not database_account.present(module(**options), root)
    assert login("waba_2", password) == login("waba", server.password) == [("1",)]
    account = server.account(user="waba_2", password=password)
    with pymysql.connect(
        host=account["host"], port=account["port"], user="waba_2", password=password, database="waba"
    ) as connection:
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS rotation (id INT)")
        connection.cursor().execute("DROP TABLE rotation")
    assert database_account.absent(module(name="waba_2"), root)
    assert not database_account.absent(module(name="waba_2"), root)
    with pytest.raises(HostError):
        login("waba_2", password)
    assert login("waba", server.password) == [("1",)], "the other account is not changed"


def test_open_connection_survives_the_removal_of_its_account(server: Server, root: RootClient) -> None:
    options = {"name": "waba_2", "password": "former", "database": "waba"}
    database_account.present(module(**options), root)
    with pymysql.connect(host="localhost", port=server.port, user="waba_2", password="former") as connection:
        database_account.absent(module(name="waba_2"), root)
        connection.cursor().execute("SELECT 1")


def test_account_that_a_killed_run_left_gets_the_new_password(server: Server, root: RootClient) -> None:
    root.rows(accounts.provide("waba_2", "stale", "waba"))
    assert database_account.present(module(name="waba_2", password="fresh", database="waba"), root)
    assert login("waba_2", "fresh") == [("1",)]
    with pytest.raises(HostError):
        login("waba_2", "stale")


def test_password_of_root_is_changed_and_the_socket_still_needs_none(server: Server, root: RootClient) -> None:
    new = secrets.token_hex(16)
    assert database_account.present(module(name="root", password=new, database=None), root)
    assert root.rows("SELECT CURRENT_USER();") == [("root@localhost",)]
    with pytest.raises(pymysql.err.OperationalError):
        server.root("SELECT 1")
    assert database_account.present(module(name="root", password=server.root_password, database=None), root)
    server.root("SELECT 1")


def served_certificate(port: int) -> bytes:
    """Return the certificate that the server presents: a client asks for TLS after the greeting of the server."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        header = connection.recv(4, socket.MSG_WAITALL)
        connection.recv(int.from_bytes(header[:3], "little"), socket.MSG_WAITALL)
        # Protocol 4.1, TLS, secure connection; the largest packet; utf8mb4.
        request = struct.pack("<IIB23x", 0x00008A00 | 0x200, 1 << 24, 45)
        connection.sendall(struct.pack("<I", len(request) | 1 << 24) + request)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(connection) as secured:
            found = secured.getpeercert(binary_form=True)
            assert found is not None
            return found


def test_replaced_certificate_is_served_without_a_restart(server: Server, root: RootClient) -> None:
    before = served_certificate(server.port)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate, key = server.authority.sign(x509.DNSName("localhost"), loopback)
    assert database_certificate.converge(module(certificate=certificate, key=key), root)
    assert not database_certificate.converge(module(certificate=certificate, key=key), root)
    after = served_certificate(server.port)
    assert after != before
    with open(certificate, encoding="ascii") as file:
        assert after == ssl.PEM_cert_to_DER_cert(file.read())
    assert login("waba", server.password) == [("1",)]


def test_key_of_another_certificate_is_refused(server: Server, root: RootClient) -> None:
    before = served_certificate(server.port)
    certificate, _key = server.authority.sign(x509.DNSName("localhost"))
    former = Path(certificate).rename(f"{certificate}.former")
    _certificate, key = server.authority.sign(x509.DNSName("localhost"))
    with pytest.raises(HostError, match="Unable to get private key"):
        database_certificate.converge(module(certificate=str(former), key=key), root)
    assert served_certificate(server.port) == before
