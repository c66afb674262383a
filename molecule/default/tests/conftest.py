"""What the tests of a running cluster share: its API as a client sees it, its containers, its plays."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import os
import queue
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import requests
import urllib3
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INVENTORY = HERE.parent / "inventory"
SETTINGS = yaml.safe_load((INVENTORY / "group_vars/all/cluster.yml").read_text(encoding="utf-8"))
NAME = SETTINGS["waba_cluster_name"]
FOLDER = Path(SETTINGS["waba_dir"])
SECRETS_FILE = Path(SETTINGS["waba_secrets_file"])
BASE = f"https://127.0.0.1:{SETTINGS['waba_webapp_instances'][0]['port']}"

HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until condition holds and return the seconds that took; fail with what was waited for."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with contextlib.suppress(requests.RequestException):
            if condition():
                return time.monotonic() - began
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def play(playbook: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run one of the collection's playbooks on the scenario's cluster."""
    return subprocess.run(
        ["ansible-playbook", str(ROOT / playbook), "-i", str(INVENTORY), *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def changed(result: subprocess.CompletedProcess) -> int:
    """Return how many tasks a run of a playbook changed; a run that failed fails the test with its output."""
    assert result.returncode == 0, result.stdout + result.stderr
    return sum(int(count) for count in re.findall(r"changed=(\d+)", result.stdout))


class Cluster:
    """The scenario's containers, by their labels."""

    def __init__(self) -> None:
        self.engine = docker.from_env()

    def containers(self) -> list:
        return self.engine.containers.list(all=True, filters={"label": f"waba.cluster.name={NAME}"})

    def container(self, instance: str):
        (found,) = [one for one in self.containers() if one.labels["waba.cluster.instance"] == instance]
        return found

    def started(self) -> dict[str, str]:
        """Return container id -> moment of its start: equal before and after means that nothing was restarted."""
        return {one.id: one.attrs["State"]["StartedAt"] for one in self.containers()}

    def volumes(self) -> list:
        return self.engine.volumes.list(filters={"label": f"waba.cluster.name={NAME}"})

    def networks(self) -> list:
        return self.engine.networks.list(filters={"label": f"waba.cluster.name={NAME}"})

    def gateway(self) -> str:
        """Return the address under which the containers reach this machine."""
        (network,) = self.networks()
        network.reload()
        return network.attrs["IPAM"]["Config"][0]["Gateway"]


class Api:
    """The /v1 API, as a business's application uses it."""

    def __init__(self) -> None:
        self.secrets = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False  # a CA bundle in the environment would win over verify
        self.session.headers["Authorization"] = f"Bearer {self.login().json()['users'][0]['token']}"

    def login(self, password: str | None = None) -> requests.Response:
        return requests.post(
            f"{BASE}/v1/users/login",
            auth=("admin", password or self.secrets["waba_admin_password"]),
            verify=False,
            timeout=10,
        )

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return self.session.request(method, f"{BASE}/v1/{path}", json=body, timeout=10)

    def send(self, text: str, to: str = "15551234567") -> requests.Response:
        return self.call(
            "POST", "messages", {"to": to, "type": "text", "recipient_type": "individual", "text": {"body": text}}
        )

    def sends(self, text: str) -> bool:
        return self.send(text).status_code == 200

    def health(self) -> dict[str, dict]:
        key = {"Authorization": f"Apikey {self.secrets['waba_api_key']}"}
        return requests.get(f"{BASE}/v1/health", headers=key, verify=False, timeout=10).json()["health"]

    def nodes(self, **wanted: str) -> list[str]:
        """Return the short container ids of the nodes whose health entry has the wanted values."""
        return [name.rpartition(":")[2] for name, node in self.health().items() if wanted.items() <= node.items()]

    def is_whole(self) -> bool:
        roles = sorted(
            f"{node['role']} {node['gateway_status']}" for node in self.health().values() if not node.get("errors")
        )
        return roles == [
            "coreapp connected",
            "coreapp disconnected",
            "primary_master disconnected",
            "secondary_master disconnected",
        ]


class Receiver:
    """A webhook receiver: a real HTTPS server of the business, on this machine."""

    def __init__(self, folder: Path, address: str) -> None:
        self.bodies: queue.Queue[dict] = queue.Queue()
        self.answer = 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answer == 200:
                    receiver.bodies.put(json.loads(body))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(folder, address))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://{address}:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def statuses_of(self, message: str, count: int, seconds: float = 20) -> list[str]:
        """Return the first count statuses that arrive for a message, in order of arrival."""
        statuses: list[str] = []
        deadline = time.monotonic() + seconds
        while len(statuses) < count and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                body = self.bodies.get(timeout=0.2)
                statuses += [status["status"] for status in body.get("statuses", []) if status["id"] == message]
        return statuses


def self_signed(folder: Path, address: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def api() -> Api:
    """The API, with intervals that keep the suite short, set while the cluster runs."""
    api = Api()
    assert api.call("DELETE", "settings/application").status_code == 200
    intervals = {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
    assert api.call("PATCH", "settings/application", intervals).status_code == 200
    api.intervals_set_at = time.monotonic()
    return api


@pytest.fixture(scope="session")
def receiver(cluster: Cluster, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver that the cluster knows, with a short back-off."""
    receiver = Receiver(tmp_path_factory.mktemp("receiver"), cluster.gateway())
    settings = {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 500}
    assert api.call("PATCH", "settings/application", settings).status_code == 200
    yield receiver
    receiver.server.shutdown()
