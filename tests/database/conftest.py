"""A database container as users get it, with TLS by an authority of the tests' own. WABA_TEST_DATABASE_IMAGE names another image."""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import docker
import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".build"))  # waba.cluster, where Ansible finds it too
IMAGE = os.environ.get("WABA_TEST_DATABASE_IMAGE", "waba/mariadb:v1.0.0")
PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"  # the documented ones
PATIENCE = 120  # seconds for the first start; it takes 3 to 6


class Authority:
    """Signs certificates. folder: where their files go."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, 0), True)
        self.ca = self._write(f"{name}-ca.pem", certificate.sign(self.key, hashes.SHA256()))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now, number = datetime.datetime.now(datetime.timezone.utc), x509.random_serial_number()
        valid = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
        return x509.CertificateBuilder(self.name, subject, key.public_key(), number, *valid)

    def _write(self, name: str, thing: x509.Certificate) -> str:
        path = self.folder / name
        path.write_bytes(thing.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def sign(self, *names: x509.GeneralName) -> tuple[str, str]:
        """Return the paths of a certificate for these names and of its key, which is its owner's alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([]), key).add_extension(x509.SubjectAlternativeName(names), True)
        certificate = self._write("server.pem", builder.sign(self.key, hashes.SHA256()))
        path = self.folder / "server.key"
        encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.write_bytes(key.private_bytes(*encoding))
        path.chmod(0o600)
        return certificate, str(path)


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
    certificate, key = authority.sign(x509.DNSName("localhost"), loopback)
    passwords = secrets.token_hex(16), secrets.token_hex(16)
    container = docker.from_env().containers.run(
        IMAGE,
        detach=True,
        environment={
            "MYSQL_ROOT_PASSWORD": passwords[0],
            "MYSQL_DATABASE": "waba",
            "MYSQL_USER": "waba",
            "MYSQL_PASSWORD": passwords[1],
        },
        mounts=[
            docker.types.Mount(f"/opt/certs/server-{part}.pem", path, "bind", read_only=True)
            for part, path in (("cert", certificate), ("key", key))
        ],
        ports={"3306/tcp": ("127.0.0.1", None)},
        labels={"waba.test": "database"},
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while container.attrs["State"].get("Health", {}).get("Status") != "healthy":
            assert time.monotonic() < deadline, container.logs().decode()
            time.sleep(0.5)
            container.reload()
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
