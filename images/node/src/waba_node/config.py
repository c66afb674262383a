"""A node's configuration, from its environment (docs/reference/vendor-contract.md#container-environment).

The variables that begin with WABA_ are our additions.
"""

from __future__ import annotations

import enum
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = "1.0.0"
CLIENT_VERSION = "v2.57.2"  # a late version of the vendor's client; clients select features by it
DATABASE = "waba"


class Role(enum.StrEnum):
    """The kind of a node."""

    MASTER = "master"
    COREAPP = "coreapp"
    WEBAPP = "webapp"
    UPGRADE = "upgrade"


HOSTNAME_VARIABLES = {
    Role.MASTER: "COREAPP_HOSTNAME",
    Role.COREAPP: "COREAPP_HOSTNAME",
    Role.WEBAPP: "WEBAPP_HOSTNAME",
}


class ConfigurationError(Exception):
    """The environment is not valid. The message names the problem of every variable, and contains no secret."""


@dataclass(frozen=True)
class DatabaseConfig:
    """The database server, the account and the name of the database."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    idle_timeout: float  # seconds
    tls_ca: str = ""
    tls_certificate: str = ""
    tls_key: str = ""


@dataclass(frozen=True)
class NodeConfig:
    """One node's configuration."""

    role: Role
    hostname: str
    external_ports: tuple[int, ...]
    listen_ports: tuple[int, ...]
    https_port: int
    container_id: str
    database: DatabaseConfig
    api_key: str = field(repr=False, default="")
    jwt_key: str = field(repr=False, default="")
    secret: str = field(repr=False, default="")
    upstream: str = "loopback"
    certificates: str = "/var/lib/whatsapp"
    media: str = "/usr/local/wamedia"
    version: str = VERSION
    client_version: str = CLIENT_VERSION

    @property
    def node_id(self) -> str:
        """Return the node's name in /v1/health: `<hostname>:<container id>` (docs/reference/vendor-contract.md#health)."""
        return f"{self.hostname}:{self.container_id}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> NodeConfig:
        """Read a node's configuration. Raises ConfigurationError with all problems."""
        reader = _Reader(environment)
        role = reader.role()
        database = reader.database()
        hostname = "upgrade" if role is Role.UPGRADE else reader.text(HOSTNAME_VARIABLES[role])
        ports = (
            ()
            if role in (Role.WEBAPP, Role.UPGRADE)
            else reader.ports("COREAPP_EXTERNAL_PORTS", "6250,6251,6252,6253", 4)
        )
        config = cls(
            role=role,
            hostname=hostname,
            external_ports=ports,
            listen_ports=reader.ports("WABA_LISTEN_PORTS", "6250,6251,6252,6253", 4),
            https_port=reader.number("WABA_HTTPS_PORT", "443"),
            container_id=environment.get("WABA_CONTAINER_ID") or socket.gethostname(),
            database=database,
            api_key=environment.get("WA_API_KEY", ""),
            jwt_key=environment.get("WA_WEB_JWT_CRYPTO_KEY", ""),
            secret=environment.get("WA_SECRET", ""),
            upstream=reader.upstream(),
            certificates=environment.get("WABA_CERTIFICATES") or "/var/lib/whatsapp",
            media=environment.get("WABA_MEDIA") or "/usr/local/wamedia",
            client_version=reader.client_version(),
        )
        if reader.problems:
            raise ConfigurationError("; ".join(reader.problems))
        return config


class _Reader:
    """Reads variables, and collects their problems."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def role(self) -> Role:
        if self.environment.get("WA_DB_UPGRADE") == "1":
            return Role.UPGRADE
        if self.environment.get("WA_APP_MULTICONNECT") != "1":
            self.problems.append("WA_APP_MULTICONNECT is not 1: it must be 1, since this node runs in a cluster only")
        if self.environment.get("WA_MASTER_NODE") == "1":
            return Role.MASTER
        return Role.WEBAPP if self.environment.get("WEBAPP_HOSTNAME") else Role.COREAPP

    def database(self) -> DatabaseConfig:
        engine = self.environment.get("WA_DB_ENGINE", "MYSQL")
        if engine != "MYSQL":
            self.problems.append(f"WA_DB_ENGINE is {engine!r}: it must be MYSQL, which stands for MySQL and MariaDB")
        return DatabaseConfig(
            host=self.text("WA_DB_HOSTNAME"),
            port=self.number("WA_DB_PORT", "3306"),
            user=self.text("WA_DB_USERNAME"),
            password=self.text("WA_DB_PASSWORD"),
            name=self.environment.get("WA_DB_NAME_PREFIX", "") + DATABASE,
            idle_timeout=self.number("WA_DB_CONNECTION_IDLE_TIMEOUT", "180000", highest=28_800_000) / 1000,
            tls_ca=self.environment.get("WA_DB_SSL_CA", ""),
            tls_certificate=self.environment.get("WA_DB_SSL_CERT", ""),
            tls_key=self.environment.get("WA_DB_SSL_KEY", ""),
        )

    def upstream(self) -> str:
        value = self.environment.get("WABA_UPSTREAM") or "loopback"
        if value != "loopback" and re.fullmatch(r"wss?://[^/\s@]+:\d{1,5}/?", value, re.ASCII) is None:
            self.problems.append(
                f"WABA_UPSTREAM is {value!r}: it must be loopback, or ws://host:port or wss://host:port"
            )
        return value

    def client_version(self) -> str:
        value = self.environment.get("WABA_CLIENT_VERSION") or CLIENT_VERSION
        if re.fullmatch(r"v?\d+(\.\d+){2}", value, re.ASCII) is None:
            self.problems.append(f"WABA_CLIENT_VERSION is {value!r}: it must be a version such as {CLIENT_VERSION}")
        return f"v{value.removeprefix('v')}"

    def text(self, variable: str) -> str:
        value = self.environment.get(variable, "")
        if not value:
            self.problems.append(f"{variable} is not set")
        return value

    def number(self, variable: str, default: str, highest: int = 65535) -> int:
        value = self.environment.get(variable) or default
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= highest):
            self.problems.append(f"{variable} is {value!r}: it must be a number from 1 to {highest}")
            return 1
        return int(value)

    def ports(self, variable: str, default: str, count: int) -> tuple[int, ...]:
        parts = [part.strip() for part in (self.environment.get(variable) or default).split(",")]
        if len(parts) != count or not all(
            part.isascii() and part.isdigit() and 1 <= int(part) <= 65535 for part in parts
        ):
            self.problems.append(f"{variable} is {','.join(parts)!r}: it must be {count} ports, separated by commas")
            return ()
        return tuple(map(int, parts))
