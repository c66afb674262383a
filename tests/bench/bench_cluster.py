"""A cluster of containers for measurements: a database, masters, coreapps and one webapp on a separate network."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Self

import docker
import requests
import urllib3
from docker.models.containers import Container
from waiting import wait_for

NAME = "waba-bench"
HERE = Path(__file__).resolve().parent
DATABASE_PASSWORD, PASSWORD, API_KEY = secrets.token_hex(16), "B3nch-" + secrets.token_hex(8), secrets.token_hex(16)
ENTRY = ["/opt/whatsapp/bin/wait_on_mysql.sh", "/opt/whatsapp/bin/launch_within_docker.sh"]

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Cluster:
    """Containers that run during the `with` block."""

    def __init__(self, version: str, masters: int = 1, coreapps: int = 1) -> None:
        self.engine = docker.from_env(timeout=120)
        self.image, self.database_image = f"waba/node:v{version}", f"waba/mariadb:v{version}"
        self.masters = [f"master{number + 1}" for number in range(masters)]
        self.coreapps = [f"coreapp{number + 1}" for number in range(coreapps)]
        self.containers: dict[str, Container] = {}
        self.volumes = {str(HERE): {"bind": "/bench", "mode": "ro"}}
        self.environment = {
            "WA_APP_MULTICONNECT": "1",
            "WA_DB_HOSTNAME": "db",
            "WA_DB_USERNAME": "root",
            "WA_DB_PASSWORD": DATABASE_PASSWORD,
            "WA_API_KEY": API_KEY,
            "WA_SECRET": secrets.token_hex(24),
        }

    def __enter__(self) -> Self:
        self.remove()
        self.network = self.engine.networks.create(NAME, labels={"waba.bench": "1"})
        try:
            self.run_services()
            for name in self.masters:
                self.run_node(name, COREAPP_HOSTNAME=name, WA_MASTER_NODE="1")
            for name in self.coreapps:
                self.run_node(name, COREAPP_HOSTNAME=name)
            self.run_node("webapp", WEBAPP_HOSTNAME="webapp")
            wait_for(self.is_healthy, 180, "the cluster is healthy")
            self.first_login()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        for container in self.engine.containers.list(all=True, filters={"label": "waba.bench=1"}):
            container.remove(force=True, v=True)
        for network in self.engine.networks.list(filters={"label": "waba.bench=1"}):
            network.remove()

    def run_services(self) -> None:
        """Start what the nodes need."""
        self.run("db", self.database_image, None, {"MYSQL_ROOT_PASSWORD": DATABASE_PASSWORD})

    def run(self, name: str, image: str, command: list[str] | None, environment: dict[str, str]) -> Container:
        self.containers[name] = self.engine.containers.run(
            image,
            command,
            name=f"{NAME}-{name}",
            hostname=name,
            network=NAME,
            environment=environment,
            labels={"waba.bench": "1"},
            volumes=self.volumes,
            detach=True,
        )
        # With the service name as an alias, as Compose does.
        self.network.disconnect(self.containers[name])
        self.network.connect(self.containers[name], aliases=[name])
        return self.containers[name]

    def run_node(self, name: str, **environment: str) -> None:
        self.run(name, self.image, ENTRY, {**self.environment, **environment})

    def url(self, name: str = "webapp", port: int = 443) -> str:
        container = self.containers[name]
        container.reload()
        return f"https://{container.attrs['NetworkSettings']['Networks'][NAME]['IPAddress']}:{port}"

    def health(self) -> list[dict[str, Any]]:
        key = {"Authorization": f"Apikey {API_KEY}"}
        answer = requests.get(f"{self.url()}/v1/health", headers=key, verify=False, timeout=10)
        return [{**node, "name": name} for name, node in answer.json()["health"].items() if not node.get("errors")]

    def is_healthy(self) -> bool:
        nodes = self.health()
        connected = [node for node in nodes if node["gateway_status"] == "connected"]
        return len(nodes) == len(self.masters) + len(self.coreapps) and len(connected) == 1

    def first_login(self) -> None:
        wait_for(lambda: self.login("secret", {"new_password": PASSWORD}), 60, "the first login")

    def login(self, password: str, content: dict[str, object] | None = None) -> str:
        url = f"{self.url()}/v1/users/login"
        answer = requests.post(url, auth=("admin", password), json=content, verify=False, timeout=20)
        self.token = answer.json()["users"][0]["token"]
        return self.token

    def call(self, method: str, path: str, content: dict[str, object]) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(
            method, f"{self.url()}/v1/{path}", headers=headers, json=content, verify=False, timeout=10
        )

    def connected(self) -> str:
        (node,) = [node for node in self.health() if node["gateway_status"] == "connected"]
        return node["name"].partition(":")[0]

    def processor_seconds(self) -> dict[str, float]:
        """Return the processor seconds that each container has used."""
        return {
            name: container.stats(stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
            for name, container in list(self.containers.items())
        }

    def memory(self) -> dict[str, int]:
        """Return the bytes that each container uses, without the page cache."""
        used = {}
        for name, container in list(self.containers.items()):
            statistics = container.stats(stream=False)["memory_stats"]
            inner = statistics.get("stats", {})
            used[name] = statistics.get("usage", 0) - inner.get("total_inactive_file", inner.get("inactive_file", 0))
        return used
