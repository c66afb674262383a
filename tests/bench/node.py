"""How fast the node is, beside the floors that it stands on, measured in one run: `make bench-node`.

`node.py messages` prints the throughput table, `node.py failover` a distribution of seconds over kills. wrk (Debian's package) is the load.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

from bench_cluster import HERE, Cluster
from waiting import wait_for

HEARTBEAT, UNHEALTHY, DEFAULT_UNHEALTHY = 1, 3, 30  # seconds


def load(url: str, token: str, seconds: int, clients: int) -> dict:
    """Return what wrk measures of so many clients, each of which sends when the last answer has come."""
    done = subprocess.run(
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
    return result(done.stdout)


def result(text: str) -> dict:
    return json.loads(result_text(text))


class Watch(threading.Thread):
    """Remembers the most memory that each container used."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self.cluster, self.most, self.ending = cluster, {}, threading.Event()

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
        with Watch(cluster) as watch:
            node = load(cluster.url(), cluster.token, arguments.seconds, arguments.clients)
        print("the HTTP server answering a constant ...", flush=True)
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
        f"| floor: the HTTP server answering a constant | {floor_rate:.0f} | {constant['p50_ms']:.1f} | {constant['p99_ms']:.1f} |"
    )
    print(f"| floor: bare inserts, a transaction each | {bare:.0f} | | |")
    print(f"| share of the slower floor | {rate / slower:.0%} | | |")
    print(
        f"\nrefused {node['refused']}, broken {node['broken']}; most memory: "
        + ", ".join(f"{name} {used / 2**20:.0f} MiB" for name, used in sorted(watch.most.items()))
    )


def reachable(cluster: Cluster) -> bool:
    import requests

    return requests.post(cluster.url("constant", 8443) + "/v1/messages", verify=False, timeout=5).status_code == 200


def result_text(text: str) -> str:
    """Return what stands behind RESULT in an output."""
    found = [line.removeprefix("RESULT ") for line in text.splitlines() if line.startswith("RESULT ")]
    if len(found) != 1:
        raise SystemExit(f"no result in this output:\n{text}")
    return found[0]


def failover(arguments: argparse.Namespace) -> None:
    """Kill the connected coreapp again and again; print how long no message was accepted."""
    text = {"to": "15550000001", "type": "text", "text": {"body": "Is anybody there?"}}
    heartbeat = arguments.monitor == "heartbeat"
    # With one master alone the database's monitor decides: no report for more than two minutes (seed).
    with Cluster(arguments.version, masters=2 if heartbeat else 1, coreapps=2) as cluster:
        cluster.call(
            "PATCH", "settings/application", {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
        )
        time.sleep(DEFAULT_UNHEALTHY)  # the lowered interval counts in full then
        took = []
        for number in range(arguments.kills):
            wait_for(
                cluster.is_whole, 120, "one coreapp is connected"
            )  # a busy machine makes an owner step down now and then
            victim = cluster.connected()
            cluster.containers[victim].kill()
            took.append(
                wait_for(lambda: cluster.call("POST", "messages", text).status_code == 200, 200, "messages again")
            )
            print(f"kill {number + 1} of {arguments.kills}: {took[-1]:.1f} s", flush=True)
            cluster.containers[victim].start()
            wait_for(cluster.is_whole, 120, "the cluster is whole")
            time.sleep(2 * HEARTBEAT)
    took.sort()
    print(
        f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; by {arguments.monitor}, {len(took)} kills\n"
    )
    print("| least | median | 90 % | most |\n| --- | --- | --- | --- |")
    nine_tenths = took[min(len(took) - 1, int(0.9 * len(took)))]
    print(f"| {took[0]:.1f} s | {statistics.median(took):.1f} s | {nine_tenths:.1f} s | {took[-1]:.1f} s |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="1.0.0", help="of the images")
    what = parser.add_subparsers(dest="what", required=True)
    speed = what.add_parser("messages")
    speed.add_argument("--seconds", type=int, default=20)
    speed.add_argument("--clients", type=int, default=64)
    kills = what.add_parser("failover")
    kills.add_argument("--kills", type=int, default=30)
    kills.add_argument("--monitor", choices=("heartbeat", "database"), default="heartbeat")
    arguments = parser.parse_args()
    if arguments.what == "messages" and shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk")
        return 2
    {"messages": messages, "failover": failover}[arguments.what](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
