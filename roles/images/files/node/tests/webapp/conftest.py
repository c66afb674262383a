"""One cluster of processes for all tests of the API."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from api_support import API_KEY, PASSWORD, Client, Cluster, wait_until
from waba_node.config import DATABASE, DatabaseConfig
from waba_node.store.engine import Database

START = 120  # seconds for a cluster to start on a busy machine


@pytest.fixture(scope="session")
def cluster(
    database_server: DatabaseConfig,
    free_ports: Callable[[int], tuple[int, ...]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """A cluster that can send: one connected coreapp and one standby."""
    made = Cluster(database_server, tmp_path_factory.mktemp("cluster"), free_ports)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        asyncio.run(drop(dataclasses.replace(database_server, name=database_server.name + DATABASE)))


async def drop(config: DatabaseConfig) -> None:
    database = Database(config)
    async with database.begin() as connection:
        await connection.execute(sa.text(f"DROP DATABASE IF EXISTS `{config.name}`"))
    await database.close()


@pytest.fixture(scope="session")
def anonymous(cluster: Cluster) -> Client:
    """A client of the first webapp without credentials, once the cluster can send."""
    certificate = cluster.folder / "webapp1" / "web.pem"
    wait_until(certificate.exists, START)
    client = Client(cluster.urls[0], certificate)
    monitor = client.as_caller(f"Apikey {API_KEY}")

    def can_send() -> bool:
        try:
            health = monitor.call("GET", "/v1/health").json().get("health", {})
            if client.login("wrong").status_code != 401:
                return False
        except requests.exceptions.SSLError:
            raise
        except requests.ConnectionError:
            return False
        statuses = [node["gateway_status"] for node in health.values()]
        return len(statuses) == 3 and statuses.count("connected") == 1

    wait_until(can_send, START)
    return client


@pytest.fixture(scope="session")
def monitor(anonymous: Client) -> Client:
    """A client with the API key."""
    return anonymous.as_caller(f"Apikey {API_KEY}")


@dataclass(frozen=True)
class FirstLogin:
    """The answers to the first logins of a new cluster: with the default password, a weak new one and a valid new one."""

    default: requests.Response
    weak: requests.Response
    changed: requests.Response


@pytest.fixture(scope="session")
def first_login(anonymous: Client) -> FirstLogin:
    return FirstLogin(
        anonymous.login("secret"),
        anonymous.login("secret", {"new_password": "secret"}),
        anonymous.login("secret", {"new_password": PASSWORD}),
    )


@pytest.fixture(scope="session")
def admin(anonymous: Client, first_login: FirstLogin) -> Client:
    """The administrator's session at the first webapp."""
    return anonymous.as_caller(f"Bearer {first_login.changed.json()['users'][0]['token']}")


@pytest.fixture(scope="session")
def second_webapp(cluster: Cluster, anonymous: Client) -> Client:
    """A client of the second webapp without credentials."""
    certificate: Path = cluster.folder / "webapp2" / "web.pem"
    client = Client(cluster.urls[1], certificate)
    wait_until(lambda: client.login("wrong").status_code == 401, START)
    return client
