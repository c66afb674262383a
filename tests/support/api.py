"""A client of the /v1 API of a running cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests
import urllib3
import yaml

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Api:
    """A session of the admin at one webapp.

    base: scheme, host and port of the webapp. secrets_file: the cluster's waba_secrets_file.
    """

    def __init__(self, base: str, secrets_file: Path) -> None:
        self.base = base
        self.secrets: dict[str, str] = yaml.safe_load(secrets_file.read_text(encoding="utf-8"))
        self.intervals_set_at = 0.0  # of time.monotonic()
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False  # a CA bundle in the environment would override verify
        self.session.headers["Authorization"] = f"Bearer {self.login().json()['users'][0]['token']}"

    def login(self, password: str | None = None, user: str = "admin") -> requests.Response:
        return requests.post(
            f"{self.base}/v1/users/login",
            auth=(user, password or self.secrets["waba_admin_password"]),
            verify=False,
            timeout=10,
        )

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        return self.session.request(method, f"{self.base}/v1/{path}", json=body, timeout=10)

    def send(self, text: str, to: str = "15551234567") -> requests.Response:
        return self.call(
            "POST", "messages", {"to": to, "type": "text", "recipient_type": "individual", "text": {"body": text}}
        )

    def accepts(self, text: str) -> bool:
        """Send a message; return whether it is accepted."""
        return self.send(text).status_code == 200

    def health(self) -> dict[str, dict[str, Any]]:
        key = {"Authorization": f"Apikey {self.secrets['waba_api_key']}"}
        return requests.get(f"{self.base}/v1/health", headers=key, verify=False, timeout=10).json()["health"]

    def nodes(self, **wanted: str) -> list[str]:
        """Return the short container ids of the nodes whose health entry has the wanted values."""
        return [name.rpartition(":")[2] for name, node in self.health().items() if wanted.items() <= node.items()]

    def is_healthy(self, coreapps: int = 2) -> bool:
        """Return whether two masters, one of them primary, and `coreapps` coreapps, one of them connected, are healthy."""
        roles = sorted(
            f"{node['role']} {node['gateway_status']}" for node in self.health().values() if not node.get("errors")
        )
        return roles == [
            "coreapp connected",
            *["coreapp disconnected"] * (coreapps - 1),
            "primary_master disconnected",
            "secondary_master disconnected",
        ]
