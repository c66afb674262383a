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
CLOUD = "cloud"


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
    second_port: int = 0  # leads to a member that only reads; 0: none


@dataclass(frozen=True)
class CloudConfig:
    """How the Cloud API upstream reaches its number (docs/adr/0024-claim-before-cloud-post.md).

    app_secrets: one, or two while the secret is exchanged. proxy: `http://host:port`, "" for a direct connection. webhook_certificate: a PEM
    file, "" for plain HTTP behind a reverse proxy. webhook_key: a PEM file, "" where the certificate's file contains the key. rate: messages
    per second of the number, 0 for those of its throughput level. uncertain: `fail` or `resend`. grace: seconds for which a message may be
    uncertain. pass_links: whether public links go to the upstream instead of their files. link_hosts: hosts that a link may reach although
    their addresses are private.
    """

    phone_number_id: str
    waba_id: str
    token: str = field(repr=False)
    app_secrets: tuple[str, ...] = field(repr=False)
    verify_token: str = field(repr=False)
    pin: str = field(repr=False, default="")
    base_url: str = "https://graph.facebook.com"
    version: str = "v25.0"
    proxy: str = field(repr=False, default="")  # may contain a password
    webhook_port: int = 6260
    webhook_certificate: str = ""
    webhook_key: str = ""
    rate: int = 0
    uncertain: str = "fail"
    grace: int = 60
    pass_links: bool = False
    link_hosts: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CloudConfig:
        """Read the settings of the Cloud API alone. Raises ConfigurationError with all problems."""
        reader = _Reader(environment)
        config = reader.cloud()
        reader.refuse_problems()
        return config


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
    # Accepted too, while the secrets are rotated (docs/adr/0033-rotation-in-three-phases.md).
    second_api_key: str = field(repr=False, default="")
    second_jwt_key: str = field(repr=False, default="")
    second_secret: str = field(repr=False, default="")
    upstream: str = "loopback"
    cloud: CloudConfig | None = None
    certificates: str = "/var/lib/whatsapp"
    media: str = "/usr/local/wamedia"
    console: bool = True
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
            second_api_key=reader.second("WABA_SECOND_API_KEY", "WA_API_KEY"),
            second_jwt_key=reader.second("WABA_SECOND_JWT_KEY", "WA_WEB_JWT_CRYPTO_KEY"),
            second_secret=reader.second("WABA_SECOND_SECRET", "WA_SECRET"),
            upstream=reader.upstream(),
            cloud=reader.cloud() if environment.get("WABA_UPSTREAM") == CLOUD and role is not Role.UPGRADE else None,
            certificates=environment.get("WABA_CERTIFICATES") or "/var/lib/whatsapp",
            media=environment.get("WABA_MEDIA") or "/usr/local/wamedia",
            console=reader.matching("WABA_CONSOLE", "[01]", "0 or 1", "1") == "1",
            client_version=reader.client_version(),
        )
        reader.refuse_problems()
        return config


class _Reader:
    """Reads variables, and collects their problems."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def refuse_problems(self) -> None:
        """Raise ConfigurationError unless every variable is valid."""
        if self.problems:
            raise ConfigurationError("; ".join(self.problems))

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
            second_port=self.optional_number("WABA_DB_SECOND_PORT"),
            tls_ca=self.environment.get("WA_DB_SSL_CA", ""),
            tls_certificate=self.environment.get("WA_DB_SSL_CERT", ""),
            tls_key=self.environment.get("WA_DB_SSL_KEY", ""),
        )

    def upstream(self) -> str:
        value = self.environment.get("WABA_UPSTREAM") or "loopback"
        network = re.fullmatch(r"wss?://[^/\s@]+:\d{1,5}/?", value, re.ASCII)
        if value not in ("loopback", CLOUD) and network is None:
            self.problems.append(
                f"WABA_UPSTREAM is {value!r}: it must be loopback, cloud, or ws://host:port or wss://host:port"
            )
        return value

    def cloud(self) -> CloudConfig:
        secrets = tuple(part.strip() for part in self.text("WABA_CLOUD_APP_SECRETS").split(",") if part.strip())
        if len(secrets) > 2:
            self.problems.append(
                "WABA_CLOUD_APP_SECRETS has more than two secrets: it must be one, or the new one and the previous one"
            )
        hosts = self.environment.get("WABA_CLOUD_LINK_HOSTS", "")
        return CloudConfig(
            phone_number_id=self.matching("WABA_CLOUD_PHONE_NUMBER_ID", r"\d{1,32}", "digits"),
            waba_id=self.matching("WABA_CLOUD_WABA_ID", r"\d{1,32}", "digits"),
            token=self.secret("WABA_CLOUD_TOKEN", r"[!-~]+", "printable ASCII without blanks"),
            app_secrets=secrets,
            verify_token=self.text("WABA_CLOUD_VERIFY_TOKEN"),
            pin=self.secret("WABA_CLOUD_PIN", r"\d{6}", "six digits", default=""),
            base_url=self.matching(
                "WABA_CLOUD_BASE_URL", r"https?://[^/\s@]+(/\S*)?", "an http or https URL", CloudConfig.base_url
            ).rstrip("/"),
            version=self.matching(
                "WABA_CLOUD_VERSION", r"v\d{1,3}\.\d", "a version such as v25.0", CloudConfig.version
            ),
            proxy=self.secret("WABA_CLOUD_PROXY", r"http://\S+:\d{1,5}/?", "http://host:port", default=""),
            webhook_port=self.number("WABA_CLOUD_WEBHOOK_PORT", str(CloudConfig.webhook_port)),
            webhook_certificate=self.environment.get("WABA_CLOUD_WEBHOOK_CERTIFICATE", ""),
            webhook_key=self.environment.get("WABA_CLOUD_WEBHOOK_KEY", ""),
            rate=self.number("WABA_CLOUD_RATE", str(CloudConfig.rate), highest=10_000, lowest=0),
            uncertain=self.matching("WABA_CLOUD_UNCERTAIN", "fail|resend", "fail or resend", CloudConfig.uncertain),
            grace=self.number("WABA_CLOUD_GRACE", str(CloudConfig.grace), highest=86_400),
            pass_links=self.matching("WABA_CLOUD_PASS_LINKS", "[01]", "0 or 1", "0") == "1",
            link_hosts=tuple(part.strip().lower() for part in hosts.split(",") if part.strip()),
        )

    def matching(self, variable: str, pattern: str, what: str, default: str | None = None) -> str:
        """Return a variable that must match a pattern. default: for an unset one; None where it must be set."""
        value = self.environment.get(variable) or default
        if value is None:
            return self.text(variable)
        if re.fullmatch(pattern, value, re.ASCII) is None:
            self.problems.append(f"{variable} is {value!r}: it must be {what}")
        return value

    def secret(self, variable: str, pattern: str, what: str, default: str | None = None) -> str:
        """Return a variable as `matching` does, without its value in the problem."""
        value = self.environment.get(variable, "")
        if not value:
            return self.text(variable) if default is None else default
        if re.fullmatch(pattern, value, re.ASCII) is None:
            self.problems.append(f"{variable} must be {what}")
        return value

    def second(self, variable: str, first: str) -> str:
        """Return a secret that is accepted beside the one in the variable `first`, "" where there is none."""
        value = self.environment.get(variable, "")
        if value and not self.environment.get(first):
            self.problems.append(f"{variable} is set, but {first} is not: set both, or neither")
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

    def number(self, variable: str, default: str, highest: int = 65535, lowest: int = 1) -> int:
        value = self.environment.get(variable) or default
        if not (value.isascii() and value.isdigit() and lowest <= int(value) <= highest):
            self.problems.append(f"{variable} is {value!r}: it must be a number from {lowest} to {highest}")
            return 1
        return int(value)

    def optional_number(self, variable: str) -> int:
        return self.number(variable, "1") if self.environment.get(variable, "0") not in ("", "0") else 0

    def ports(self, variable: str, default: str, count: int) -> tuple[int, ...]:
        parts = [part.strip() for part in (self.environment.get(variable) or default).split(",")]
        if len(parts) != count or not all(
            part.isascii() and part.isdigit() and 1 <= int(part) <= 65535 for part in parts
        ):
            self.problems.append(f"{variable} is {','.join(parts)!r}: it must be {count} ports, separated by commas")
            return ()
        return tuple(map(int, parts))
