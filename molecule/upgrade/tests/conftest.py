"""What the tests of an upgrade share: the cluster from outside, and a business that never stops sending."""

from __future__ import annotations

import contextlib
import datetime
import queue
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import docker
import pytest
import requests
import urllib3
import yaml
from plays import changed, play_on
from receiver import Receiver
from waiting import wait_for

__all__ = ["changed", "wait_for"]

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FILE = Path(SETTINGS["waba_dir"]) / "multiconnect-compose.yml"
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
WEBAPPS = [f"https://127.0.0.1:{webapp['port']}" for webapp in SETTINGS["waba_webapp_instances"]]

# A coreapp's own words, with its own time: the containers' clock is this machine's, in UTC.
CONNECTION = re.compile(r"\w (\S+ \S+) waba_node\.coreapp: shard 0: (connected|disconnected)")

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's cluster."""
    return play_on(INVENTORY, f"playbooks/{playbook}", *arguments)


def refusal(result: subprocess.CompletedProcess) -> str:
    """Return what a run said that must have failed and changed nothing, as one line."""
    assert result.returncode != 0, result.stdout
    assert "changed=0" in result.stdout, result.stdout
    return " ".join(result.stdout.split())


def session(authorization: str = "") -> requests.Session:
    made = requests.Session()
    made.verify = False
    made.trust_env = False  # a CA bundle in the environment would win over verify
    if authorization:
        made.headers["Authorization"] = authorization
    return made


class Business:
    """Calls the API as a business does that knows both webapps: the one, and where that does not answer the other."""

    def __init__(self) -> None:
        secrets = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))
        self.password, self.key = secrets["waba_admin_password"], secrets["waba_api_key"]
        self.token = self.login("admin", self.password).json()["users"][0]["token"]

    def login(self, user: str, password: str) -> requests.Response:
        return session().post(f"{WEBAPPS[0]}/v1/users/login", auth=(user, password), timeout=10)

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return session(f"Bearer {self.token}").request(method, f"{WEBAPPS[0]}/v1/{path}", json=body, timeout=10)

    def send(self, text: str) -> str:
        """Return the id of an accepted message."""
        answer = self.call("POST", "messages", message(text))
        assert answer.status_code == 200, answer.text
        return answer.json()["messages"][0]["id"]

    def is_whole(self) -> bool:
        """Return whether the cluster says that it is healthy, at both webapps."""
        for webapp in WEBAPPS:
            found = session(f"Apikey {self.key}").get(f"{webapp}/v1/health", timeout=10).json()["health"].values()
            roles = sorted(f"{node['role']} {node['gateway_status']}" for node in found if not node.get("errors"))
            if roles != [
                "coreapp connected",
                "coreapp disconnected",
                "primary_master disconnected",
                "secondary_master disconnected",
            ]:
                return False
        return True


def message(text: str) -> dict:
    return {"to": "15551234567", "type": "text", "recipient_type": "individual", "text": {"body": text}}


class Traffic:
    """Two who send messages and one who makes other calls, all the time. The webapp that fails a call is followed by the other at once."""

    PAUSE = 0.05  # seconds between two calls of one of them
    NO_GAP = 0.5  # seconds

    def __init__(self, business: Business, cluster: Cluster) -> None:
        self.business, self.cluster = business, cluster
        self.told: set[tuple[datetime.datetime, str]] = set()
        self.accepted: dict[str, float] = {}
        self.calls = 0
        self.refused: list[str] = []
        self.failed_once = 0
        self.ended = threading.Event()
        makers = [lambda: self.run(self.send), lambda: self.run(self.send), lambda: self.run(self.look)]
        self.threads = [threading.Thread(target=maker, daemon=True) for maker in makers]

    def __enter__(self) -> Traffic:
        for coreapp in self.cluster.coreapps():  # a container that is replaced takes its log with it
            follower = threading.Thread(
                target=self.listen, args=(coreapp.logs(stream=True, follow=True, tail=0),), daemon=True
            )
            follower.start()
        for thread in self.threads:
            thread.start()
        time.sleep(2)
        self.began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        assert self.accepted, "traffic flows before the test begins"
        return self

    def __exit__(self, *_anything: object) -> None:
        time.sleep(2)
        self.ended.set()
        for thread in self.threads:
            thread.join(30)
        for coreapp in self.cluster.coreapps():
            self.listen(coreapp.logs().splitlines())

    def listen(self, lines: Iterable[bytes]) -> None:
        """Write down what a coreapp says of its connection upstream."""
        for line in lines:
            found = CONNECTION.match(line.decode())
            if found:
                self.told.add((datetime.datetime.fromisoformat(found[1].replace(",", ".")), found[2]))

    def run(self, step) -> None:
        webapps, number = [(webapp, session(f"Bearer {self.business.token}")) for webapp in WEBAPPS], 0
        while not self.ended.is_set():
            number += 1
            step(webapps if number % 2 else webapps[::-1], number)
            time.sleep(self.PAUSE)

    def ask(self, webapps: list, method: str, path: str, body: object = None) -> requests.Response | None:
        """Return the answer of the first webapp that does the call; None, written down, when none did."""
        told = []
        for url, caller in webapps:
            try:
                answer = caller.request(method, f"{url}/v1/{path}", json=body, timeout=10)
            except requests.RequestException as error:
                told.append(f"{url}: {type(error).__name__}")
                continue
            if answer.status_code == 200:
                self.failed_once += len(told)
                return answer
            told.append(f"{url}: {answer.status_code} {answer.text}")
        self.refused.append(f"{method} {path}: {'; '.join(told)}")
        return None

    def send(self, webapps: list, number: int) -> None:
        answer = self.ask(webapps, "POST", "messages", message(f"message {number}"))
        if answer is not None:
            self.accepted[answer.json()["messages"][0]["id"]] = time.monotonic()

    def look(self, webapps: list, _number: int) -> None:
        if self.ask(webapps, "GET", "settings/application") is not None:
            self.calls += 1

    def moves(self) -> list[float]:
        """Return for how many seconds no coreapp was connected, each time that the shard moved meanwhile."""
        told = sorted(self.told)
        pairs = zip(told, told[1:], strict=False)
        return [
            (after - before).total_seconds()
            for (before, what), (after, then) in pairs
            if (what, then) == ("disconnected", "connected") and before > self.began
        ]

    def gaps(self) -> list[float]:
        """Return the seconds of each gap in which no message was accepted, short ones apart: a busy machine has some of its own."""
        moments = sorted(self.accepted.values())
        gaps = [after - before for before, after in zip(moments, moments[1:], strict=False)]
        return [gap for gap in gaps if gap > self.NO_GAP]


class Cluster:
    """The scenario's containers, by their labels."""

    def __init__(self) -> None:
        self.engine = docker.from_env()

    def containers(self) -> list:
        return self.engine.containers.list(all=True, filters={"label": f"waba.cluster.name={NAME}"})

    def started(self) -> dict[str, str]:
        """Return container id -> moment of its start: equal before and after means that nothing was restarted."""
        return {one.id: one.attrs["State"]["StartedAt"] for one in self.containers()}

    def coreapps(self) -> list:
        return [one for one in self.containers() if one.labels["waba.cluster.role"] == "coreapp"]

    def database(self):
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.role"] == "mysql"]
        return found

    def versions(self) -> set[str]:
        """Return the versions of all nodes, running or not."""
        nodes = [one for one in self.containers() if one.labels["waba.cluster.role"] != "mysql"]
        assert len(nodes) == 6
        return {one.attrs["Config"]["Image"].rpartition(":v")[2].removesuffix("-rehearsal") for one in nodes}

    def versions_in_file(self) -> set[str]:
        return set(re.findall(r"image: waba/node:v([\d.]+)-rehearsal", FILE.read_text(encoding="utf-8")))

    def sql(self, statement: str) -> str:
        code, output = self.database().exec_run(["mariadb", "waba", "-Ne", statement])
        assert code == 0, output
        return output.decode().strip()

    def gateway(self) -> str:
        """Return the address under which the containers reach this machine."""
        (network,) = self.engine.networks.list(filters={"label": f"waba.cluster.name={NAME}"})
        network.reload()
        return network.attrs["IPAM"]["Config"][0]["Gateway"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def business() -> Business:
    return Business()


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, business: Business, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The business's webhook receiver, which the cluster knows."""
    made = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": made.url}, "callback_backoff_delay_ms": 500, "sent_status": True}
    assert business.call("PATCH", "settings/application", settings).status_code == 200
    yield made
    made.server.shutdown()


def undelivered(receiver: Receiver, accepted: set[str], seconds: float = 60) -> set[str]:
    """Return which messages the receiver has not heard delivered within so many seconds."""
    missing, deadline = set(accepted), time.monotonic() + seconds
    while missing and time.monotonic() < deadline:
        with contextlib.suppress(queue.Empty):
            body = receiver.bodies.get(timeout=0.5)
            missing -= {status["id"] for status in body.get("statuses", []) if status["status"] == "delivered"}
    return missing
