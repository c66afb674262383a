"""Constant traffic through every webapp, with a record of the accepted messages."""

from __future__ import annotations

import contextlib
import threading
import time

import requests
from cluster import WEBAPPS, Cluster

PAUSE = 0.05  # seconds between two messages of one client
TIMEOUT = 12  # seconds; a webapp answers earlier, regardless of the nodes behind it


class Client:
    """One client of one webapp."""

    def __init__(self, cluster: Cluster, url: str, number: int) -> None:
        self.cluster, self.url, self.number = cluster, url, number
        self.accepted: list[str] = []
        self.refused = self.unanswered = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        session = requests.Session()
        session.trust_env = False
        while not self.stopping.is_set():
            try:
                if "Authorization" not in session.headers:
                    session.headers.update(self.cluster.token(self.url))
                self.send(session)
            except requests.RequestException:
                self.unanswered += 1  # the message may be stored, but it was not accepted
                with contextlib.suppress(KeyError):
                    del session.headers["Authorization"]
                time.sleep(0.2)
            self.stopping.wait(PAUSE)

    def send(self, session: requests.Session) -> None:
        recipient = f"1555{self.number:03d}{len(self.accepted) % 10_000:04d}"
        message = {"to": recipient, "type": "text", "text": {"body": "sent during faults"}}
        answer = session.post(f"{self.url}/v1/messages", json=message, verify=False, timeout=TIMEOUT)
        if answer.status_code == 200:
            self.accepted.append(answer.json()["messages"][0]["id"])
        else:
            self.refused += 1
            if answer.status_code == 401:
                del session.headers["Authorization"]


class Traffic:
    """One client for each webapp."""

    def __init__(self, cluster: Cluster) -> None:
        self.clients = [Client(cluster, url, number) for number, url in enumerate(WEBAPPS)]

    def __enter__(self) -> Traffic:
        for client in self.clients:
            client.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.thread.join(60)

    def accepted(self) -> list[str]:
        return [message for client in self.clients for message in list(client.accepted)]

    def refused(self) -> int:
        return sum(client.refused for client in self.clients)

    def unanswered(self) -> int:
        return sum(client.unanswered for client in self.clients)
