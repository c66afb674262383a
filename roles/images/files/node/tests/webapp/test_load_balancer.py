"""Several webapps behind a load balancer: none has state of its own, and readiness is reported."""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from api_support import PASSWORD, Client, Cluster, Node, error_of, health_line, healthy, wait_until
from severable_proxy import SeverableProxy

SETTINGS = "/v1/settings/application"
HEALTHCHECK = Path(__file__).parents[2] / "bin" / "healthcheck.sh"
STATED = 1.0  # seconds until a logout takes effect on the other webapps, as documented
SLACK = 3.0  # seconds for a busy machine
FAILOVER = 1.5  # seconds without a database, less than a webapp waits for one
USER = {"username": "failover", "password": PASSWORD}


class Balancer:
    """Sends each call to the next webapp."""

    def __init__(self, *webapps: Client) -> None:
        self.turns = itertools.cycle(webapps)

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return next(self.turns).call(method, path, body)


def with_token(token: str, *webapps: Client) -> Balancer:
    return Balancer(*(webapp.as_caller(f"Bearer {token}") for webapp in webapps))


def new_token(client: Client) -> str:
    return client.login(PASSWORD).json()["users"][0]["token"]


@pytest.mark.usefixtures("admin")
def test_consecutive_calls_can_go_to_different_webapps(anonymous: Client, second_webapp: Client) -> None:
    balanced = with_token(new_token(second_webapp), anonymous, second_webapp)
    name = "balanced-" + secrets.token_hex(4)
    assert balanced.call("POST", "/v1/users", {"username": name, "password": PASSWORD}).status_code == 201
    assert balanced.call("GET", f"/v1/users/{name}").status_code == 200
    assert balanced.call("PATCH", SETTINGS, {"sent_status": False}).status_code == 200
    for _webapp in range(2):
        assert balanced.call("GET", SETTINGS).json()["settings"]["application"]["sent_status"] is False
    about = {"text": name}
    assert balanced.call("PATCH", "/v1/settings/profile/about", about).status_code == 200
    assert balanced.call("GET", "/v1/settings/profile/about").json()["settings"]["profile"]["about"] == about
    text = {"to": "4915112345678", "type": "text", "text": {"body": "Hello"}}
    assert all(balanced.call("POST", "/v1/messages", text).status_code == 200 for _webapp in range(2))
    health = [balanced.call("GET", "/v1/health").json()["health"] for _webapp in range(2)]
    assert health[0] == health[1]
    assert balanced.call("DELETE", SETTINGS).status_code == 200
    assert balanced.call("DELETE", f"/v1/users/{name}").status_code == 200
    assert balanced.call("GET", f"/v1/users/{name}").status_code == 404


@pytest.mark.usefixtures("admin")
def test_logout_takes_effect_on_the_other_webapp_within_a_second(anonymous: Client, second_webapp: Client) -> None:
    token = new_token(anonymous)
    here, there = (client.as_caller(f"Bearer {token}") for client in (anonymous, second_webapp))
    assert there.call("GET", SETTINGS).status_code == 200  # fills its cache
    assert here.call("POST", "/v1/users/logout").status_code == 200
    ended = time.monotonic()
    wait_until(lambda: there.call("GET", SETTINGS).status_code == 401, STATED + SLACK)
    assert time.monotonic() - ended < STATED + SLACK
    assert error_of(there.call("GET", SETTINGS)) == (401, 1005)


# -- readiness ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[SeverableProxy]:
    made = SeverableProxy(cluster.database.host, cluster.database.port)
    yield made
    made.close()


@pytest.fixture
def third(admin: Client, cluster: Cluster, proxy: SeverableProxy) -> Iterator[Client]:
    """The administrator's session at a webapp that reaches the database through `proxy`."""
    cluster.start_webapp("webapp3", WA_DB_HOSTNAME="127.0.0.1", WA_DB_PORT=str(proxy.port))
    wait_until(lambda: healthy(cluster.nodes["webapp3"]))
    yield Client(cluster.urls[2], cluster.folder / "webapp3" / "web.pem", admin.session.headers["Authorization"])
    cluster.stop_webapp("webapp3")


def container_is_healthy(node: Node) -> bool:
    """Return the result of the container's own health check."""
    environment = {"WABA_HEALTH_PORT": str(node.ports[3]), "PATH": os.environ["PATH"]}
    done = subprocess.run([HEALTHCHECK], env=environment, capture_output=True, timeout=10, check=False)
    return done.returncode == 0


def test_webapp_is_not_ready_while_the_database_is_unreachable(
    third: Client, cluster: Cluster, proxy: SeverableProxy
) -> None:
    node = cluster.nodes["webapp3"]
    assert container_is_healthy(node)
    proxy.sever()
    wait_until(lambda: not healthy(node))
    assert "the database does not answer" in health_line(node)
    assert not container_is_healthy(node)
    assert error_of(third.call("GET", SETTINGS)) == (503, 1023)
    assert (
        third.call("GET", "/").status_code == 200
    )  # every webapp has lost the database: a load balancer keeps one to answer
    assert healthy(cluster.nodes["webapp1"])
    proxy.restore()
    wait_until(lambda: healthy(node))
    assert container_is_healthy(node)
    assert third.call("GET", SETTINGS).status_code == 200


def test_calls_wait_while_the_database_fails_over(third: Client, proxy: SeverableProxy) -> None:
    calls: list[Callable[[], requests.Response]] = [
        lambda: third.call("GET", SETTINGS),
        lambda: third.call("PATCH", SETTINGS, {"sent_status": False}),
        lambda: third.login(PASSWORD),
        lambda: third.call("POST", "/v1/users", USER),
        lambda: third.call("PUT", "/v1/users/failover", {"password": f"{PASSWORD}2"}),
        lambda: third.login(f"{PASSWORD}2", {"new_password": f"{PASSWORD}3"}, "failover"),
        lambda: third.call("DELETE", "/v1/users/failover"),
        lambda: third.call("POST", "/v1/settings/backup", {"password": PASSWORD}),
        lambda: third.call("POST", "/v1/contacts", {"contacts": ["+49 151 555"]}),
        lambda: third.call("POST", "/v1/media", data=b"text", headers={"Content-Type": "text/plain"}),
        lambda: third.call("GET", "/v1/health"),
    ]
    statuses = []
    for call in calls:
        proxy.sever()
        threading.Timer(FAILOVER, proxy.restore).start()
        statuses.append(call().status_code)
        wait_until(lambda: proxy.intact)
    assert statuses == [200, 200, 200, 201, 200, 200, 200, 200, 200, 200, 200]


def test_webapp_that_starts_without_a_database_becomes_ready_once_it_is_reachable(
    cluster: Cluster, admin: Client, proxy: SeverableProxy
) -> None:
    proxy.sever()
    cluster.start_webapp("webapp3", WA_DB_HOSTNAME="127.0.0.1", WA_DB_PORT=str(proxy.port))
    node = cluster.nodes["webapp3"]
    try:
        wait_until(lambda: "the database does not answer" in health_line(node))
        assert not container_is_healthy(node)
        early = Client(cluster.urls[2], cluster.folder / "webapp3" / "web.pem", admin.session.headers["Authorization"])
        wait_until(early.certificate.exists)
        assert error_of(early.call("GET", SETTINGS)) == (503, 1011)
        assert error_of(early.call("GET", "/")) == (503, 1011)
        proxy.restore()
        wait_until(lambda: healthy(node))
        assert early.call("GET", SETTINGS).status_code == 200
    finally:
        cluster.stop_webapp("webapp3")


@pytest.fixture
def without_the_map(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """A database account that can read everything except the shard map."""
    user, password = "mapless_" + secrets.token_hex(4), secrets.token_hex(16)
    tables = [
        name
        for (name,) in cluster.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    ]
    cluster.execute(
        f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'",
        *(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}` TO '{user}'@'%'"
            for name in tables
            if name != "shard_map"
        ),
    )
    yield user, password
    cluster.execute(f"DROP USER '{user}'@'%'")


def test_webapp_that_cannot_read_the_shard_map_is_not_ready(
    cluster: Cluster, admin: Client, without_the_map: tuple[str, str]
) -> None:
    user, password = without_the_map
    cluster.start_webapp("webapp3", WA_DB_USERNAME=user, WA_DB_PASSWORD=password)
    node = cluster.nodes["webapp3"]
    try:
        wait_until(lambda: "the shard map cannot be read" in health_line(node))
        for _look in range(30):  # it is never ready in between
            assert not healthy(node)
            time.sleep(0.1)
        assert not container_is_healthy(node)
        cluster.execute(f"GRANT SELECT ON shard_map TO '{user}'@'%'")
        wait_until(lambda: healthy(node))
    finally:
        cluster.stop_webapp("webapp3")
