"""Measure for how long no message is accepted: after a kill, and when a shard is moved."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time

from bench_cluster import Cluster
from few_clients import FewClients
from waiting import wait_for

HEARTBEAT, UNHEALTHY, DEFAULT_UNHEALTHY = 1, 3, 30  # seconds
REPORT_INTERVAL = 60  # seconds between two reports to the database


def failover(arguments: argparse.Namespace) -> None:
    """Kill the connected coreapp repeatedly; print for how long no message was accepted."""
    text: dict[str, object] = {"to": "15550000001", "type": "text", "text": {"body": "After a kill"}}
    heartbeat = arguments.monitor == "heartbeat"
    # With one master only the database monitor decides: docs/reference/vendor-contract.md#high-availability
    with Cluster(arguments.version, masters=2 if heartbeat else 1, coreapps=2) as cluster:
        cluster.call(
            "PATCH", "settings/application", {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
        )
        time.sleep(DEFAULT_UNHEALTHY)  # until the lowered interval takes full effect
        took = []
        for number in range(arguments.kills):
            # A coreapp reports when it starts; the pause varies the time between report and kill.
            time.sleep(random.uniform(0, HEARTBEAT if heartbeat else REPORT_INTERVAL))
            # On a busy machine an owner may step down.
            wait_for(cluster.is_healthy, 120, "one coreapp is connected")
            victim = cluster.connected()
            cluster.containers[victim].kill()
            took.append(
                wait_for(lambda: cluster.call("POST", "messages", text).status_code == 200, 200, "messages again")
            )
            print(f"kill {number + 1} of {arguments.kills}: {took[-1]:.1f} s", flush=True)
            cluster.containers[victim].start()
            wait_for(cluster.is_healthy, 120, "the cluster is healthy")
            time.sleep(2 * HEARTBEAT)
    print(f"\nby {arguments.monitor}, {len(took)} kills")
    distribution(took)


def distribution(took: list[float]) -> None:
    """Print the distribution of some durations."""
    took = sorted(took)
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print("| minimum | median | 90 % | maximum |\n| --- | --- | --- | --- |")
    nine_tenths = took[min(len(took) - 1, int(0.9 * len(took)))]
    print(f"| {took[0]:.1f} s | {statistics.median(took):.1f} s | {nine_tenths:.1f} s | {took[-1]:.1f} s |", flush=True)


def moves(arguments: argparse.Namespace) -> None:
    """Move the shard repeatedly under traffic; print the latency of the slowest message of each move."""
    drain, resume = (["python3", "-m", "waba_node", word] for word in ("drain", "resume"))
    with Cluster(arguments.version, masters=2, coreapps=2) as cluster:
        for how in ("drain", "stop"):
            refused = 0
            took: list[float] = []
            for _number in range(arguments.moves):
                wait_for(cluster.is_healthy, 120, "one coreapp is connected")
                moved = cluster.containers[cluster.connected()]
                with FewClients(cluster) as flow:
                    time.sleep(2)
                    if how == "drain":
                        assert moved.exec_run(drain).exit_code == 0
                    else:
                        moved.stop()
                    time.sleep(2)
                took.append(max(flow.seconds))
                refused += flow.refused
                print(f"{how} {len(took)} of {arguments.moves}: {took[-1]:.2f} s, {refused} refused", flush=True)
                moved.exec_run(resume) if how == "drain" else moved.start()
            print(
                f"\n{how} of the connected coreapp, {len(took)} moves: the slowest message of each; {refused} refused"
            )
            distribution(took)
