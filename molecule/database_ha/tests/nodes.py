"""The nodes of a cluster, the proxy that leads them to the database, and the service that bans an account with two connections."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import requests
import urllib3
from members import ADDRESSES, GUARD_PORT, NODE_IMAGE, PREFIX, PROXY_IMAGE, SUBNET, Members, docker
from waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "roles/database_proxy/templates/haproxy.cfg.j2"
STANDIN = ROOT / "images/node/tests/upstream"
STANDIN_PORT = 8080
NUMBER = {"cc": "1", "phone_number": "5550001", "cert": "Y2hhb3M=", "method": "sms"}
WEBAPPS = {f"webapp{number}": f"https://{SUBNET}.{20 + number}" for number in (1, 2)}
HEALTHY = 600  # seconds
CLIENTS = 2  # of each webapp
PAUSE = 0.1  # seconds between two messages of a client
PATIENCE = 20.0  # seconds for an answer of a webapp

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Nodes:
    """Two masters, two coreapps and two webapps with default settings, and the stand-in for the messaging service."""

    def __init__(self, members: Members) -> None:
        self.members = members
        self.password = f"Aa1!{secrets.token_hex(12)}"
        self.headers: dict[str, str] = {}

    def start(self) -> None:
        """Start everything, and register the number."""
        self.start_proxy()
        self._run(
            "standin",
            f"--volume={STANDIN}:/standin:ro",
            "--no-healthcheck",
            NODE_IMAGE,
            "python3",
            "/standin/standin.py",
            str(STANDIN_PORT),
        )
        environment = self.members.folder / "nodes"
        database = f"WA_DB_ENGINE=MYSQL\nWA_DB_HOSTNAME=db\nWA_DB_PORT=3306\nWA_DB_USERNAME=waba\nWA_DB_PASSWORD={self.members.password}\n"
        environment.write_text(
            f"{database}WA_APP_MULTICONNECT=1\nWABA_DB_SECOND_PORT=3307\nWABA_UPSTREAM=ws://standin:{STANDIN_PORT}\n"
            f"WA_SECRET={secrets.token_hex(24)}\nWA_WEB_JWT_CRYPTO_KEY={secrets.token_hex(24)}\nWA_API_KEY={secrets.token_hex(24)}\n",
            encoding="utf-8",
        )
        for kind, variables in (
            ("master", ["WA_MASTER_NODE=1", "COREAPP_HOSTNAME"]),
            ("coreapp", ["COREAPP_HOSTNAME"]),
            ("webapp", ["WEBAPP_HOSTNAME"]),
        ):
            for number in (1, 2):
                name = f"{kind}{number}"
                own = [f"--env={one}" if "=" in one else f"--env={one}={name}" for one in variables]
                place = [f"--ip={SUBNET}.{20 + number}"] if kind == "webapp" else []
                self._run(name, f"--env-file={environment}", *own, *place, NODE_IMAGE)
        wait_for(self.is_first_login_done, HEALTHY, "a webapp answers")
        wait_for(self.is_registered, HEALTHY, "the number is registered")
        wait_for(self.is_connected, HEALTHY, "a coreapp is connected")

    def start_proxy(self) -> None:
        """Start the proxy with the configuration that the collection renders."""
        members = [{"name": name, "address": address} for name, address in ADDRESSES.items()]
        template = jinja2.Template(TEMPLATE.read_text(encoding="utf-8"), keep_trailing_newline=True)
        configuration = self.members.folder / "haproxy.cfg"
        configuration.write_text(template.render(members=members, guard_port=GUARD_PORT), encoding="utf-8")
        configuration.chmod(0o644)
        self.members.folder.chmod(0o755)
        self._run("proxy", "--network-alias=db", f"--volume={configuration}:/etc/haproxy/haproxy.cfg:ro", PROXY_IMAGE)

    @staticmethod
    def _run(name: str, *arguments: str) -> None:
        common = ("--label", PREFIX, "--restart", "always", "--network", PREFIX, "--network-alias", name)
        docker("run", "--detach", "--name", f"{PREFIX}-{name}", *common, *arguments)

    # -- the API and the stand-in --------------------------------------------------------------------------------------

    def is_first_login_done(self) -> bool:
        for new in (self.password, None):
            answer = requests.post(
                f"{WEBAPPS['webapp1']}/v1/users/login",
                auth=("admin", "secret" if new else self.password),
                json={"new_password": new} if new else None,
                verify=False,
                timeout=PATIENCE,
            )
            if answer.status_code == 200:
                self.headers = {"Authorization": f"Bearer {answer.json()['users'][0]['token']}"}
                return True
        return False

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"{WEBAPPS['webapp1']}/v1/{path}"
        return requests.request(method, url, headers=self.headers, json=body, verify=False, timeout=PATIENCE)

    def is_registered(self) -> bool:
        answer = self.call("POST", "account", NUMBER)
        return answer.status_code == 201 or self.call("POST", "account/verify", {"code": "123456"}).status_code == 201

    def upstream(self, path: str = "state") -> dict[str, Any]:
        address = docker(
            "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", f"{PREFIX}-standin"
        )
        answer: dict[str, Any] = requests.get(f"http://{address}:{STANDIN_PORT}/{path}", timeout=PATIENCE).json()
        return answer

    def is_connected(self) -> bool:
        return bool(self.upstream()["connected"])


@dataclass
class Calls:
    """The results of the clients. accepted: message id -> moment (monotonic) of the answer. refused: answers other than 200. slowest: seconds."""

    accepted: dict[str, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def gap(self, since: float) -> float:
        """Return the longest time without an accepted message from `since` to the last one, in seconds."""
        moments = [since, *sorted(moment for moment in self.accepted.values() if moment > since)]
        return max((after - before for before, after in zip(moments, moments[1:], strict=False)), default=0.0)


class Traffic:
    """Clients that send messages through every webapp, each its next message after the answer to the last one."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes, self.calls = nodes, Calls()
        self.ended, self.running = threading.Event(), threading.Event()
        self.running.set()
        self.busy = threading.Semaphore(0)
        self.threads = [
            threading.Thread(target=self._run, args=(url, f"1555{place}{client}"), daemon=True)
            for place, url in enumerate(WEBAPPS.values())
            for client in range(CLIENTS)
        ]

    def __enter__(self) -> Traffic:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.ended.set()
        self.running.set()
        for thread in self.threads:
            thread.join(2 * PATIENCE)

    def _run(self, url: str, recipient: str) -> None:
        session, number = requests.Session(), 0
        session.verify, session.trust_env = False, False
        session.headers.update(self.nodes.headers)
        while not self.ended.is_set():
            self.running.wait()
            number += 1
            message = {
                "to": f"{recipient}{number % 10_000:05d}",
                "type": "text",
                "text": {"body": "sent during faults"},
            }
            began = time.monotonic()
            try:
                answer = session.post(f"{url}/v1/messages", json=message, timeout=PATIENCE)
            except requests.RequestException as error:
                self.calls.refused.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")
                continue
            now = time.monotonic()
            self.calls.slowest = max(self.calls.slowest, now - began)
            if answer.status_code == 200:
                self.calls.accepted[answer.json()["messages"][0]["id"]] = now
            else:
                self.calls.refused.append(f"{answer.status_code} after {now - began:.1f} s: {answer.text[:300]}")
            self.ended.wait(PAUSE)
