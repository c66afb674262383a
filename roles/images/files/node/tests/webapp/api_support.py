"""A cluster of real processes on this machine, and a client of its API. WA_SECRET is not set, so the nodes agree on a secret."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from conformance import assert_conforms
from waba_node.config import DATABASE, DatabaseConfig
from waba_node.store.engine import Database

API_KEY = "key-for-health-and-metrics"
PASSWORD = "N3w-password"
SECRETS = (API_KEY, PASSWORD)
META = {"api_status": "stable", "version": "v2.57.2", "implementation": "waba node 1.0.0"}


class Node:
    """One process. `ports`: messaging, contacts, control, health."""

    def __init__(self, name: str, ports: tuple[int, ...], environment: dict[str, str], log: Path) -> None:
        self.name, self.ports, self.log = name, ports, log
        own = {"WABA_CONTAINER_ID": name, "WABA_LISTEN_PORTS": ",".join(map(str, ports))}
        self.environment = {**environment, **own}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "waba_node", "run"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(20)

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run a command as inside the node's container. Return its exit status and its output."""
        done = subprocess.run(
            [sys.executable, "-m", "waba_node", *arguments],
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def health_line(self) -> str:
        """Return its health line, "" while nothing listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports[3]), 5) as connection:
                return connection.makefile().readline().strip()
        except ConnectionError:
            return ""


class Cluster:
    """One master, two coreapps and two webapps."""

    def __init__(self, database: DatabaseConfig, folder: Path, free_ports: Callable[[int], tuple[int, ...]]) -> None:
        self.folder, self.free_ports = folder, free_ports
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "PYTHONUNBUFFERED": "1",
            "WA_APP_MULTICONNECT": "1",
            "WA_DB_HOSTNAME": database.host,
            "WA_DB_PORT": str(database.port),
            "WA_DB_USERNAME": database.user,
            "WA_DB_PASSWORD": database.password,
            "WA_DB_NAME_PREFIX": database.name,
            "WA_API_KEY": API_KEY,
            "WABA_MEDIA": str(folder / "media"),
        }
        self.nodes: dict[str, Node] = {}
        self.https_ports: dict[str, int] = {}
        self.database = dataclasses.replace(database, name=database.name + DATABASE)

    def start(self) -> None:
        (self.folder / "media").mkdir()
        self.start_node("master1", WA_MASTER_NODE="1")
        self.start_node("coreapp1")
        self.start_node("coreapp2")
        self.start_webapp("webapp1")
        self.start_webapp("webapp2")

    def start_node(self, name: str, **environment: str) -> Node:
        """Start a master or coreapp, or restart it on the same ports."""
        former = self.nodes.get(name)
        ports = former.ports if former else self.free_ports(4)
        place = {"COREAPP_HOSTNAME": "127.0.0.1", "COREAPP_EXTERNAL_PORTS": ",".join(map(str, ports))}
        self.nodes[name] = Node(name, ports, {**self.environment, **place, **environment}, self.folder / f"{name}.log")
        return self.nodes[name]

    def start_webapp(self, name: str, **environment: str) -> None:
        """Start a webapp, or restart it on the same ports."""
        former = self.nodes.get(name)
        https = self.https_ports.setdefault(name, self.free_ports(1)[0])
        ports = former.ports if former else self.free_ports(4)
        place = {
            "WEBAPP_HOSTNAME": "127.0.0.1",
            "WEBAPP_EXTERNAL_PORTS": str(https),
            "WABA_HTTPS_PORT": str(https),
            "WABA_CERTIFICATES": str(self.folder / name),
        }
        self.nodes[name] = Node(name, ports, {**self.environment, **place, **environment}, self.folder / f"{name}.log")

    @property
    def urls(self) -> list[str]:
        return [f"https://127.0.0.1:{port}" for port in self.https_ports.values()]

    def stop_webapp(self, name: str) -> None:
        """Stop a webapp and remove it from the cluster."""
        self.nodes.pop(name).stop()
        del self.https_ports[name]

    def rows(self, query: str) -> list[tuple]:
        """Return the rows of a query in the cluster's database."""
        return self.execute(query)[0]

    def execute(self, *statements: str) -> list[list[tuple]]:
        """Run statements in the cluster's database; return the rows of each."""

        async def run() -> list[list[tuple]]:
            database = Database(self.database)
            async with database.begin() as connection:
                results = [await connection.execute(sa.text(statement)) for statement in statements]
                found = [[tuple(row) for row in result] if result.returns_rows else [] for result in results]
            await database.close()
            return found

        return asyncio.run(run())

    def stop(self) -> None:
        for node in self.nodes.values():
            node.process.terminate()
        for node in self.nodes.values():
            node.process.wait(20)

    def logs(self) -> str:
        return "".join(log.read_text() for log in sorted(self.folder.glob("*.log")))


class Client:
    """Calls one webapp and trusts its self-signed certificate."""

    def __init__(self, url: str, certificate: Path, authorization: str = "") -> None:
        self.url, self.certificate = url, certificate
        self.session = requests.Session()
        self.session.trust_env = False  # ignore proxies and certificate bundles of this machine
        self.session.verify = str(certificate)
        if authorization:
            self.session.headers["Authorization"] = authorization

    def as_caller(self, authorization: str) -> Client:
        return Client(self.url, self.certificate, authorization)

    def call(self, method: str, path: str, json: object = None, **options: Any) -> requests.Response:
        """Return the answer. Raises AssertionError if the answer does not conform to the OpenAPI document."""
        response = self.session.request(method, self.url + path, json=json, timeout=20, **options)
        assert_conforms(method, path, response)
        return response

    def login(self, password: str, body: dict | None = None, username: str = "admin") -> requests.Response:
        anonymous = self.as_caller("")
        return anonymous.call("POST", "/v1/users/login", body, auth=(username, password))


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def healthy(node: Node) -> bool:
    """Return whether a node's health line is `ok`."""
    return health_line(node) == "ok"


def health_line(node: Node) -> str:
    """Return a node's health line, "" if nothing listens."""
    try:
        with socket.create_connection(("127.0.0.1", node.ports[3]), timeout=5) as line:
            return line.makefile().readline().strip()
    except OSError:
        return ""


def error_of(response: requests.Response) -> tuple[int, int]:
    """Return (HTTP status, error code) of a refusal in the vendor's envelope."""
    content = response.json()
    assert content["meta"] == META
    (error,) = content["errors"]
    assert error["title"]
    assert set(error) <= {"code", "title", "details"}
    return response.status_code, error["code"]
