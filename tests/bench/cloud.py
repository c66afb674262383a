"""`make bench-cloud`: messages through the Cloud API upstream beside a floor, and webhooks of users.

A cluster of one master, one coreapp and one webapp sends to the stand-in of the Cloud API, which answers after 350 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import requests
from bench_cluster import DATABASE_PASSWORD, Cluster
from throughput import Watch, result_text
from waiting import wait_for

LATENCY = 0.35  # seconds: Meta reckons with it for one message
SOURCE = Path(__file__).resolve().parents[2] / "images/node/src"
CLOUD = {
    "WABA_UPSTREAM": "cloud",
    "WABA_CLOUD_BASE_URL": "http://cloud:6290",
    "WABA_CLOUD_PHONE_NUMBER_ID": "700000000000001",
    "WABA_CLOUD_WABA_ID": "800000000000001",
    "WABA_CLOUD_TOKEN": secrets.token_hex(16),
    "WABA_CLOUD_APP_SECRETS": secrets.token_hex(16),
    "WABA_CLOUD_VERIFY_TOKEN": secrets.token_hex(16),
    "WABA_CLOUD_RATE": "5000",
}
UNLIMITED = {"rate": 0, "pair_interval": 0}


class CloudCluster(Cluster):
    """A cluster whose upstream is the stand-in of the Cloud API."""

    def __init__(self, version: str, source: bool) -> None:
        """source: run the node's program of this checkout instead of that in the image."""
        super().__init__(version)
        self.environment |= CLOUD
        if source:
            self.volumes[str(SOURCE)] = {"bind": "/opt/whatsapp/lib/python", "mode": "ro"}

    def run_services(self) -> None:
        super().run_services()
        command = "python3 -m waba_node cloud-standin --registered --any-webhook --webhook http://webapp:6260/"
        self.run("cloud", self.image, [*command.split(), "--latency", str(LATENCY)], CLOUD)
        wait_for(lambda: bool(self.state()), 60, "the stand-in listens")
        self.control("behaviour", UNLIMITED)

    def control(self, name: str, content: dict[str, Any] | None = None) -> Any:
        """Make a control call of the stand-in."""
        url = self.url("cloud", 6290).replace("https", "http") + f"/control/{name}"
        answer = requests.post(url, json=content, timeout=60) if content is not None else requests.get(url, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def state(self) -> Any:
        return self.control("state")

    def load(self, kind: str, count: int) -> dict[str, float]:
        """Run a load generator in a container of its own; return its measurements."""
        environment = {**CLOUD, "TOKEN": self.token}
        container = self.run("load", self.image, ["python3", "/bench/cloud_load.py", kind, str(count)], environment)
        del self.containers["load"]  # its memory and processor time are not the cluster's
        try:
            container.wait(timeout=900)
            return json.loads(result_text(container.logs().decode()))
        finally:
            container.remove(force=True)

    def waiting_updates(self) -> int:
        """Return the number of received updates that are not processed."""
        query = ["mariadb", "-uroot", f"-p{DATABASE_PASSWORD}", "-N", "-e", "SELECT COUNT(*) FROM waba.received_update"]
        output: Any = self.containers["db"].exec_run(query, stderr=False).output
        return int(output)


def send(cluster: CloudCluster, count: int) -> dict[str, Any]:
    """Send messages through the API; return the time until the service has counted them, and the processor time of each node."""
    before, accepted = cluster.processor_seconds(), cluster.state()["messages"]["accepted"]
    began = time.monotonic()
    accepting = cluster.load("api", count)
    wait_for(lambda: cluster.state()["messages"]["accepted"] - accepted >= count, 600, "every message is counted")
    seconds = time.monotonic() - began
    wait_for(lambda: cluster.waiting_updates() == 0, 600, "every status is processed")
    after = cluster.processor_seconds()
    used = {name: 1000 * (after[name] - before[name]) / count for name in before}
    messages = cluster.state()["messages"]
    return {
        "seconds": seconds,
        "accepting": accepting,
        "used": used,
        "accepted": messages["accepted"] - accepted,
        "repeated": len(messages["repeated_callback_data"]),
    }


def receive(cluster: CloudCluster, rate: int, seconds: int) -> dict[str, Any]:
    """Let users send `rate` messages per second; return how long answers and the rest take."""
    url = cluster.url("cloud", 6290).replace("https", "http") + "/control/webhooks"
    requests.delete(url, timeout=10)
    before = cluster.processor_seconds()
    began = time.monotonic()
    for step in range(10 * seconds):
        cluster.control("inbound", {"count": rate // 10, "users": 1000})
        time.sleep(max(began + (step + 1) / 10 - time.monotonic(), 0))
    sent = time.monotonic() - began
    wait_for(lambda: webhooks_done(cluster), 300, "every webhook is answered")
    wait_for(lambda: cluster.waiting_updates() == 0, 300, "every update is processed")
    done, after = time.monotonic() - began, cluster.processor_seconds()
    count = rate // 10 * 10 * seconds
    used = {name: 1000 * (after[name] - before[name]) / count for name in before}
    return {"sent": sent, "done": done, "count": count, "used": used, **cluster.state()["webhooks"]}


def webhooks_done(cluster: CloudCluster) -> bool:
    webhooks = cluster.state()["webhooks"]
    return webhooks["pending"] == webhooks["retrying"] == 0 and webhooks["delivered"] >= webhooks["updates"]


def report(
    floor: dict[str, float], sent: dict[str, Any], count: int, received: dict[str, Any], memory: dict[str, int]
) -> None:
    lowest, rate = count / floor["seconds"], count / sent["seconds"]
    answers = received["answer_seconds"]
    print(
        f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {count} messages, answers after {LATENCY} s\n"
    )
    print("| what | per second | processor ms per message |\n| --- | --- | --- |")
    print(f"| floor: the node's client posts the bodies | {lowest:.0f} | {1000 * floor['processor'] / count:.2f} |")
    print(f"| /v1/messages to the count of the service | {rate:.0f} | {used_text(sent['used'])} |")
    print(f"| share of the floor | {rate / lowest:.0%} | |")
    print(f"| /v1/messages alone | {count / sent['accepting']['seconds']:.0f} | |")
    print(
        f"| messages of users, processed | {received['count'] / received['done']:.0f} | {used_text(received['used'])} |"
    )
    print(
        f"\nmessages counted {sent['accepted']}, of them repeated {sent['repeated']}; webhooks answered after "
        f"{1000 * answers['p50']:.0f} ms (median), {1000 * answers['p99']:.0f} ms (99 %); maximum memory: "
        + ", ".join(f"{name} {used / 2**20:.0f} MiB" for name, used in sorted(memory.items()))
    )


def used_text(used: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(used.items()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="1.0.0", help="of the images")
    parser.add_argument("--source", action="store_true", help="run the node's program of this checkout")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--inbound", type=int, default=1000, metavar="RATE", help="messages of users per second")
    parser.add_argument("--seconds", type=int, default=20, help="of messages of users")
    arguments = parser.parse_args()
    with CloudCluster(arguments.version, arguments.source) as cluster:
        print("warming up ...", flush=True)
        cluster.load("api", 500)
        print("the floor ...", flush=True)
        cluster.control("behaviour", {"statuses": []})
        floor = cluster.load("floor", arguments.messages)
        cluster.control("behaviour", {"statuses": ["sent", "delivered"]})
        with Watch(cluster) as watch:
            print(f"{arguments.messages} messages ...", flush=True)
            sent = send(cluster, arguments.messages)
            print(f"{arguments.inbound} messages of users per second ...", flush=True)
            received = receive(cluster, arguments.inbound, arguments.seconds)
    report(floor, sent, arguments.messages, received, watch.most)
    return 0


if __name__ == "__main__":
    sys.exit(main())
