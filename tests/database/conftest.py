"""A database container as users get it, with TLS by an authority of the tests' own. WABA_TEST_DATABASE_IMAGE names another image."""

from __future__ import annotations

import ipaddress
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pymysql
import pytest
from authority import Authority
from cryptography import x509
from database_server import PRIVILEGES, start_server

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".build"))  # waba.cluster, where Ansible finds it too

from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_ROLE  # noqa: E402

CLUSTER = "waba-test-database"  # whose database container the server is, by its labels


class Server(NamedTuple):
    """A running server: its port on this machine, its passwords, and the authority of its certificate."""

    port: int
    root_password: str
    password: str
    authority: Authority

    def account(self, **changes: object) -> dict:
        """Return the options of database_check for the nodes' account, as the container made it."""
        return {
            "host": "localhost",
            "port": self.port,
            "user": "waba",
            "password": self.password,
            "database": "waba",
            "tls_ca": None,
            "tls_certificate": None,
            "tls_key": None,
            "nodes": 5,
            "timeout": 10,
            **changes,
        }

    def root(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", password=self.root_password) as connection:
            for statement in statements:
                connection.cursor().execute(statement)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    authority = Authority(tmp_path_factory.mktemp("tls"), "ours")
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    passwords = secrets.token_hex(16), secrets.token_hex(16)
    environment = {
        "MYSQL_ROOT_PASSWORD": passwords[0],
        "MYSQL_DATABASE": "waba",
        "MYSQL_USER": "waba",
        "MYSQL_PASSWORD": passwords[1],
    }
    labels = {LABEL_CLUSTER: CLUSTER, LABEL_ROLE: "mysql"}
    names = [x509.DNSName("localhost"), loopback]
    container = start_server(authority, names, ("127.0.0.1", None), environment, labels=labels)
    try:
        port = int(container.attrs["NetworkSettings"]["Ports"]["3306/tcp"][0]["HostPort"])
        yield Server(port, *passwords, authority)
    finally:
        container.remove(force=True, v=True)


@pytest.fixture(scope="session")
def small_account(server: Server) -> str:
    """An account with the documented privileges on databases of one prefix, and nothing more."""
    server.root(
        f"CREATE USER IF NOT EXISTS small@'%' IDENTIFIED BY '{server.password}'",
        rf"GRANT {PRIVILEGES} ON `small\_%`.* TO small@'%'",
    )
    return "small"
