"""Measure the accepted messages per second with three database members beside those with one server, on the same cores."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "molecule/database_ha/tests"))

from bench_cluster import NAME, Cluster
from members import PREFIX, Members, docker, remove
from nodes import Nodes
from throughput import load

SECOND_PORT = {"WABA_DB_SECOND_PORT": "3307"}  # with it, a message is accepted after a second member has it


class MembersCluster(Cluster):
    """A cluster whose database has three members, which its nodes reach through the proxy `db`."""

    def __init__(self, version: str, environment: dict[str, str]) -> None:
        super().__init__(version)
        self.additional = environment

    def run_services(self) -> None:
        members = Members()
        members.create()
        members.begin()
        Nodes(members).start_proxy()
        docker("network", "connect", "--alias", "db", NAME, f"{PREFIX}-proxy")
        self.environment |= {"WA_DB_USERNAME": "waba", "WA_DB_PASSWORD": members.password, **self.additional}

    def remove(self) -> None:
        remove()
        super().remove()


def compare_databases(arguments: argparse.Namespace) -> None:
    """Print a table with a row for each kind of database, all measured in this run."""
    kinds = {
        "one server": Cluster(arguments.version),
        "three members, acknowledged by the writer": MembersCluster(arguments.version, {}),
        "three members, acknowledged by two": MembersCluster(arguments.version, SECOND_PORT),
    }
    rates: list[float] = []
    rows = [
        "| database | messages per second | relative to one server | p50 ms | p99 ms | refused |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, made in kinds.items():
        print(f"{title} ...", flush=True)
        with made as cluster:
            load(cluster.url(), cluster.token, 5, arguments.clients)
            done = load(cluster.url(), cluster.token, arguments.seconds, arguments.clients)
        rates.append(done["requests"] / done["seconds"])
        rows.append(
            f"| {title} | {rates[-1]:.0f} | {rates[-1] / rates[0]:.0%} | {done['p50_ms']:.1f} | {done['p99_ms']:.1f} | {done['refused']} |"
        )
    print(
        f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {arguments.clients} clients, {arguments.seconds} s each\n"
    )
    print("\n".join(rows))
