"""A database container with the image of the collection and a certificate of a test authority.

WABA_TEST_DATABASE_IMAGE selects another image.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pymysql
import pytest
from authority import Authority
from cryptography import x509
from database_server import PRIVILEGES, start_server

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".build"))  # contains ansible_collections/waba/cluster

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE  # noqa: E402

CLUSTER = "waba-test-database"  # label of the server's container


class Server(NamedTuple):
    """A running server: its port on this machine, the passwords of root and of the nodes' account, and its authority."""

    port: int
    root_password: str
    password: str
    authority: Authority

    def account(self, **changes: object) -> dict:
        """Return options of the module database_info for the account that the container created."""
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
        """Execute statements as root."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", password=self.root_password) as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def value(self, query: str) -> object:
        """Return the first value of a query as root."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", password=self.root_password) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return cursor.fetchone()[0]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    authority = Authority(tmp_path_factory.mktemp("tls"), "test authority", identified=False)
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


def run_command(command: list[str], data: str | None = None, **options: Any) -> tuple[int, str, str]:
    """Stand-in for AnsibleModule.run_command."""
    environment = {**os.environ, **options["environ_update"]}
    done = subprocess.run(command, input=data, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def small_account(server: Server) -> str:
    """An account with only the documented privileges, on databases with one prefix."""
    server.root(
        f"CREATE USER IF NOT EXISTS small@'%' IDENTIFIED BY '{server.password}'",
        rf"GRANT {PRIVILEGES} ON `small\_%`.* TO small@'%'",
    )
    return "small"
