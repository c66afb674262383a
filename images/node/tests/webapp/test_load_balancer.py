"""Several webapps behind any load balancer: none keeps anything of its own, and one that cannot answer says so."""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from api_support import PASSWORD, Client, Cluster, Node, error_of, health_line, healthy, wait_until
from wire_cut import Line

SETTINGS = "/v1/settings/application"
HEALTHCHECK = Path(__file__).parents[2] / "bin" / "healthcheck.sh"
STATED = 1.0  # seconds in which a logout at one webapp is seen by the others
SLACK = 3.0  # seconds that a busy machine may add


class Balancer:
    """Each call goes to the next webapp."""

    def __init__(self, *webapps: Client) -> None:
        self.turns = itertools.cycle(webapps)

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return next(self.turns).call(method, path, body)


def with_token(token: str, *webapps: Client) -> Balancer:
    return Balancer(*(webapp.as_caller(f"Bearer {token}") for webapp in webapps))


def new_token(client: Client) -> str:
    return client.login(PASSWORD).json()["users"][0]["token"]


@pytest.mark.usefixtures("admin")
def test_a_client_need_not_stay_with_one_webapp(anonymous: Client, second_webapp: Client) -> None:
    """Every call of one piece of work is answered by another webapp than the one before."""
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
def test_a_logout_is_seen_by_the_other_webapp_within_the_stated_second(
    anonymous: Client, second_webapp: Client
) -> None:
    token = new_token(anonymous)
    here, there = (client.as_caller(f"Bearer {token}") for client in (anonymous, second_webapp))
    assert there.call("GET", SETTINGS).status_code == 200  # so that it has something to remember
    assert here.call("POST", "/v1/users/logout").status_code == 200
    ended = time.monotonic()
    wait_until(lambda: there.call("GET", SETTINGS).status_code == 401, STATED + SLACK)
    assert time.monotonic() - ended < STATED + SLACK
    assert error_of(there.call("GET", SETTINGS)) == (401, 1005)


# -- readiness ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def line(cluster: Cluster) -> Iterator[Line]:
    made = Line(cluster.database.host, cluster.database.port)
    yield made
    made.close()


@pytest.fixture
def third(admin: Client, cluster: Cluster, line: Line) -> Iterator[Client]:
    """The admin's session at a webapp whose way to the database is `line`."""
    cluster.start_webapp("webapp3", WA_DB_HOSTNAME="127.0.0.1", WA_DB_PORT=str(line.port))
    wait_until(lambda: healthy(cluster.nodes["webapp3"]))
    yield Client(cluster.urls[2], cluster.folder / "webapp3" / "web.pem", admin.session.headers["Authorization"])
    cluster.stop_webapp("webapp3")


def container_is_healthy(node: Node) -> bool:
    """Return what the container's own healthcheck finds."""
    environment = {"WABA_HEALTH_PORT": str(node.ports[3]), "PATH": os.environ["PATH"]}
    done = subprocess.run([HEALTHCHECK], env=environment, capture_output=True, timeout=10, check=False)
    return done.returncode == 0


def test_a_webapp_that_loses_the_database_is_not_ready_until_it_is_back(
    third: Client, cluster: Cluster, line: Line
) -> None:
    node = cluster.nodes["webapp3"]
    assert container_is_healthy(node)
    line.cut()
    wait_until(lambda: not healthy(node))
    assert "the database does not answer" in health_line(node)
    assert not container_is_healthy(node)
    assert error_of(third.call("GET", SETTINGS)) == (503, 1023)
    assert third.call("GET", "/").status_code == 200  # it lives, and says so
    assert healthy(cluster.nodes["webapp1"])
    line.mend()
    wait_until(lambda: healthy(node))
    assert container_is_healthy(node)
    assert third.call("GET", SETTINGS).status_code == 200


def test_a_webapp_that_starts_without_a_database_says_so_and_begins_when_it_is_there(
    cluster: Cluster, admin: Client, line: Line
) -> None:
    line.cut()
    cluster.start_webapp("webapp3", WA_DB_HOSTNAME="127.0.0.1", WA_DB_PORT=str(line.port))
    node = cluster.nodes["webapp3"]
    try:
        wait_until(lambda: "the database does not answer" in health_line(node))
        assert not container_is_healthy(node)
        early = Client(cluster.urls[2], cluster.folder / "webapp3" / "web.pem", admin.session.headers["Authorization"])
        wait_until(early.certificate.exists)
        assert error_of(early.call("GET", SETTINGS)) == (503, 1011)
        line.mend()
        wait_until(lambda: healthy(node))
        assert early.call("GET", SETTINGS).status_code == 200
    finally:
        cluster.stop_webapp("webapp3")


@pytest.fixture
def without_the_map(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """A user of the database who may read everything but the shard map."""
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


def test_a_webapp_that_cannot_read_the_map_is_not_ready(
    cluster: Cluster, admin: Client, without_the_map: tuple[str, str]
) -> None:
    user, password = without_the_map
    cluster.start_webapp("webapp3", WA_DB_USERNAME=user, WA_DB_PASSWORD=password)
    node = cluster.nodes["webapp3"]
    try:
        wait_until(lambda: "the shard map cannot be read" in health_line(node))
        for _look in range(30):  # never ready, not even for a moment
            assert not healthy(node)
            time.sleep(0.1)
        assert not container_is_healthy(node)
        cluster.execute(f"GRANT SELECT ON shard_map TO '{user}'@'%'")
        wait_until(lambda: healthy(node))
    finally:
        cluster.stop_webapp("webapp3")
