"""The cluster of the scenario: containers, health, API, and the simulated upstream service."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any

import live
import requests
import urllib3
import yaml
from waiting import wait_for

SETTINGS = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "inventory/group_vars/all/cluster.yml").read_text(encoding="utf-8")
)
NAME = SETTINGS["waba_cluster_name"]
WEBAPPS = [f"https://127.0.0.1:{instance['port']}" for instance in SETTINGS["waba_webapp_instances"]]
UPSTREAM = SETTINGS["waba_environment"]["WABA_UPSTREAM"].replace("ws://", "http://")
COREAPPS = len(SETTINGS["waba_coreapp_instances"])
NUMBER = {"cc": "1", "phone_number": "5550001", "cert": "Y2hhb3M="}
HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Cluster(live.Cluster):
    def __init__(self) -> None:
        super().__init__(NAME)
        self.shards = 1
        secrets = yaml.safe_load(Path(SETTINGS["waba_secrets_file"]).read_text(encoding="utf-8"))
        self.password = secrets["waba_admin_password"]
        self.key = {"Authorization": f"Apikey {secrets['waba_api_key']}"}

    # -- containers ----------------------------------------------------------------------------------------------------

    def firewall(self, instance: str, *rule: str) -> None:
        """Run the iptables of this machine in the network of a container, whose image has none."""
        pid = self.container(instance).attrs["State"]["Pid"]
        subprocess.run(["nsenter", "--target", str(pid), "--net", "iptables", *rule], check=True)

    def address(self, instance: str) -> str:
        """Return the address of a container in the cluster's network."""
        (network,) = self.networks()
        return self.container(instance).attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"]

    # -- health -------------------------------------------------------------------------------------------------------

    def health(self) -> dict[str, dict[str, Any]]:
        for url in WEBAPPS:
            with contextlib.suppress(requests.RequestException, ValueError, KeyError):
                return requests.get(f"{url}/v1/health", headers=self.key, verify=False, timeout=8).json()["health"]
        return {}

    def instances(self, **wanted: str) -> list[str]:
        """Return the instances whose health entry has the wanted values."""
        nodes = [name for name, node in self.health().items() if wanted.items() <= node.items()]
        containers = [self.engine.containers.get(name.rpartition(":")[2]) for name in nodes]
        return sorted(container.labels["waba.cluster.instance"] for container in containers)

    def connected(self) -> str:
        """Return a connected coreapp; "" unless every shard has one."""
        found = self.instances(role="coreapp", gateway_status="connected")
        return found[0] if len(found) == self.shards else ""

    def primary(self) -> str:
        """Return the primary master; "" unless there is exactly one."""
        found = self.instances(role="primary_master")
        return found[0] if len(found) == 1 else ""

    def health_line(self, instance: str) -> str:
        """Return the output of the health check of a node."""
        answer = self.container(instance).exec_run(["/opt/whatsapp/bin/healthcheck.sh"])
        return answer.output.decode(errors="replace").strip()

    def is_healthy(self) -> bool:
        nodes = [node for node in self.health().values() if not node.get("errors")]
        roles = sorted(node["role"] for node in nodes)
        statuses = sorted(node["gateway_status"] for node in nodes if node["role"] == "coreapp")
        complete = roles == ["coreapp"] * COREAPPS + ["primary_master", "secondary_master"]
        reachable = all(requests.get(url, verify=False, timeout=5).status_code == 200 for url in WEBAPPS)
        return complete and reachable and statuses.count("connected") == self.shards

    # -- API and upstream service --------------------------------------------------------------------------------------

    def token(self, url: str) -> dict[str, str]:
        """Log in; return the header of the session. Raises requests.RequestException."""
        login = requests.post(f"{url}/v1/users/login", auth=("admin", self.password), verify=False, timeout=20)
        login.raise_for_status()
        return {"Authorization": f"Bearer {login.json()['users'][0]['token']}"}

    def call(self, method: str, path: str, content: dict[str, object]) -> int:
        """Make a call as the admin; return its status. Raises requests.RequestException if it is refused."""
        url = WEBAPPS[0]
        answer = requests.request(
            method, f"{url}/v1/{path}", headers=self.token(url), json=content, verify=False, timeout=20
        )
        answer.raise_for_status()
        return answer.status_code

    def register(self) -> None:
        """Register a number with the upstream service, unless it is registered."""
        if self.call("POST", "account", {**NUMBER, "method": "sms"}) == 202:
            self.call("POST", "account/verify", {"code": "123456"})

    def set_shards(self, shards: int) -> None:
        """Change the number of shards; retry until the primary master has seen every coreapp."""

        def is_accepted() -> bool:
            with contextlib.suppress(requests.HTTPError):
                return self.call("POST", "account/shards", {**NUMBER, "shards": shards}) == 201
            return False

        wait_for(is_accepted, DEFAULT_UNHEALTHY, f"{shards} shards are accepted")
        self.shards = shards

    def upstream(self) -> dict[str, Any]:
        """Return the state of the upstream service."""
        return requests.get(f"{UPSTREAM}/state", timeout=10).json()

    def received(self) -> dict[str, int]:
        """Return message id -> how many times the upstream service received it."""
        return requests.get(f"{UPSTREAM}/received", timeout=30).json()

    def control_upstream(self, command: str, **behaviour: object) -> None:
        requests.post(f"{UPSTREAM}/{command}", json=behaviour, timeout=10).raise_for_status()
