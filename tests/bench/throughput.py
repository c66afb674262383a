"""Measure the accepted messages per second beside two upper bounds."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import threading

import requests
from bench_cluster import HERE, Cluster
from waiting import wait_for


def load(url: str, token: str, seconds: int, clients: int) -> dict[str, float]:
    """Return the measurements of wrk with `clients` clients, each of which sends the next message after the last answer."""
    wrk = subprocess.run(
        [
            "wrk",
            "--threads=1",
            f"--connections={clients}",
            f"--duration={seconds}s",
            "--timeout=10s",
            f"--script={HERE / 'send.lua'}",
            f"{url}/v1/messages",
        ],
        env={**os.environ, "WABA_TOKEN": token},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result_text(wrk.stdout))


class Watch(threading.Thread):
    """Records the maximum memory of each container."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster, self.ending = cluster, threading.Event()
        self.most: dict[str, int] = {}

    def run(self) -> None:
        while not self.ending.is_set():
            for name, used in self.cluster.memory().items():
                self.most[name] = max(used, self.most.get(name, 0))

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.join()


def messages(arguments: argparse.Namespace) -> None:
    with Cluster(arguments.version) as cluster:
        print("warming up ...", flush=True)
        load(cluster.url(), cluster.token, 5, arguments.clients)
        print(f"{arguments.clients} clients for {arguments.seconds} s ...", flush=True)
        before = cluster.processor_seconds()
        with Watch(cluster) as watch:
            node = load(cluster.url(), cluster.token, arguments.seconds, arguments.clients)
        after = cluster.processor_seconds()
        print("the HTTP server with a constant answer ...", flush=True)
        cluster.run("constant", cluster.image, ["python3", "/bench/floors.py", "constant", "8443"], {})
        wait_for(lambda: "http" in cluster.url("constant") and reachable(cluster), 30, "the constant server listens")
        constant = load(cluster.url("constant", 8443), "x", arguments.seconds, arguments.clients)
        print("bare inserts ...", flush=True)
        inserts = cluster.containers["coreapp1"].exec_run(
            ["python3", "/bench/floors.py", "insert", str(arguments.seconds)]
        )
        bare = float(result_text(inserts.output.decode()))
    rate, floor_rate = node["requests"] / node["seconds"], constant["requests"] / constant["seconds"]
    slower = min(bare, floor_rate)
    print(
        f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {arguments.clients} clients, {arguments.seconds} s each\n"
    )
    print("| what | per second | p50 ms | p99 ms |\n| --- | --- | --- | --- |")
    print(
        f"| messages accepted, one webapp and one coreapp | {rate:.0f} | {node['p50_ms']:.1f} | {node['p99_ms']:.1f} |"
    )
    print(
        f"| bound: the HTTP server with a constant answer | {floor_rate:.0f} | {constant['p50_ms']:.1f} | {constant['p99_ms']:.1f} |"
    )
    print(f"| bound: inserts only, one transaction each | {bare:.0f} | | |")
    print(f"| share of the lower bound | {rate / slower:.0%} | | |")
    print(
        f"\nrefused {node['refused']}, broken {node['broken']}; maximum memory: "
        + ", ".join(f"{name} {used / 2**20:.0f} MiB" for name, used in sorted(watch.most.items()))
        + "\nprocessor time per message: "
        + ", ".join(f"{name} {1000 * (after[name] - before[name]) / node['requests']:.2f} ms" for name in sorted(after))
    )


def reachable(cluster: Cluster) -> bool:
    return requests.post(cluster.url("constant", 8443) + "/v1/messages", verify=False, timeout=5).status_code == 200


def result_text(text: str) -> str:
    """Return the text after RESULT in an output. Raises SystemExit."""
    found = [line.removeprefix("RESULT ") for line in text.splitlines() if line.startswith("RESULT ")]
    if len(found) != 1:
        raise SystemExit(f"no result in this output:\n{text}")
    return found[0]
