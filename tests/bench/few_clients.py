"""Constant traffic of a few clients."""

from __future__ import annotations

import threading
import time

import requests
from bench_cluster import Cluster

CLIENTS, PAUSE, TIMEOUT = 4, 0.02, 12  # seconds


class FewClients:
    """Sends messages during the `with` block. seconds: the latency of each accepted message."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.refused = cluster, 0
        self.seconds: list[float] = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> FewClients:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def send(self, number: int) -> None:
        session = requests.Session()
        session.trust_env, session.verify = False, False
        session.headers["Authorization"] = f"Bearer {self.cluster.token}"
        url = f"{self.cluster.url()}/v1/messages"
        content = {"to": f"1555000000{number}", "type": "text", "text": {"body": "One after the other."}}
        while not self.ending.wait(PAUSE):
            began = time.monotonic()
            if session.post(url, json=content, timeout=TIMEOUT).status_code == 200:
                self.seconds.append(time.monotonic() - began)
            else:
                self.refused += 1
