"""Faults: each function injects a fault, waits, and removes the fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from cluster import NAME, Cluster
from waiting import wait_for

LONG = 8.0  # seconds; longer than any time limit or lease under the fast settings, so that another node takes over
Fault = Callable[[Cluster], None]


def shards_become_two_or_one_again(cluster: Cluster) -> None:
    cluster.set_shards(3 - cluster.shards)


def coreapp_is_killed(cluster: Cluster) -> None:
    instance = connected_coreapp(cluster)
    cluster.container(instance).kill()
    time.sleep(LONG)
    cluster.container(instance).start()


def coreapp_is_stopped_and_started(cluster: Cluster) -> None:
    container = cluster.container(connected_coreapp(cluster))
    container.stop()
    container.start()


def coreapp_is_killed_and_comes_back_at_once(cluster: Cluster) -> None:
    cluster.container(connected_coreapp(cluster)).restart(timeout=0)


def coreapp_freezes(cluster: Cluster) -> None:
    container = cluster.container(connected_coreapp(cluster))
    container.pause()
    time.sleep(LONG)
    container.unpause()


def coreapp_is_cut_off(cluster: Cluster) -> None:
    """Drop all packets, so that neither end of the connection upstream notices."""
    instance = connected_coreapp(cluster)
    drop_packets(cluster, instance, ["-i", "eth0"], ["-o", "eth0"])


def coreapp_is_cut_off_from_the_database(cluster: Cluster) -> None:
    """The coreapp may continue: the masters renew its ownership."""
    database = cluster.address("db")
    drop_packets(cluster, connected_coreapp(cluster), ["-s", database], ["-d", database])


def coreapp_is_cut_off_from_the_masters(cluster: Cluster) -> None:
    """The coreapp can renew its ownership in the database, but the masters demote it."""
    instance = connected_coreapp(cluster)
    masters = [cluster.address(name) for name in ("master1", "master2")]
    for master in masters:
        cluster.firewall(instance, "-A", "INPUT", "-s", master, "-j", "DROP")
    time.sleep(LONG)
    cluster.firewall(instance, "-F", "INPUT")


def coreapp_loses_its_network(cluster: Cluster) -> None:
    container, (network,) = cluster.container(connected_coreapp(cluster)), cluster.networks()
    aliases = container.attrs["NetworkSettings"]["Networks"][network.name]["Aliases"]
    network.disconnect(container)
    time.sleep(LONG)
    network.connect(container, aliases=aliases)


def primary_master_is_killed(cluster: Cluster) -> None:
    instance = cluster.primary() or "master1"
    cluster.container(instance).kill()
    time.sleep(LONG)
    cluster.container(instance).start()


def primary_master_freezes(cluster: Cluster) -> None:
    container = cluster.container(cluster.primary() or "master1")
    container.pause()
    time.sleep(LONG)
    container.unpause()


def every_master_is_killed(cluster: Cluster) -> None:
    for name in ("master1", "master2"):
        cluster.container(name).kill()
    time.sleep(LONG)
    for name in ("master1", "master2"):
        cluster.container(name).start()


def webapp_is_killed(cluster: Cluster) -> None:
    cluster.container("waweb1").kill()
    time.sleep(2)
    cluster.container("waweb1").start()


def database_restarts(cluster: Cluster) -> None:
    cluster.container("db").restart(timeout=30)


def database_is_killed(cluster: Cluster) -> None:
    cluster.container("db").restart(timeout=0)


def reports_database_problem(cluster: Cluster, instance: str) -> bool:
    return "the database does not answer" in cluster.health_line(instance)


def database_hangs(cluster: Cluster) -> None:
    """The database hangs until the owner steps down and every node reports the problem."""
    instance, database = connected_coreapp(cluster), cluster.container("db")
    database.pause()
    try:
        for name in (instance, "master1", "waweb1"):
            wait_for(
                partial(reports_database_problem, cluster, name),
                30,
                f"{name} reports that the database does not answer",
            )
        wait_for(lambda: not cluster.upstream()["connected"], 30, f"{instance} steps down without the database")
    finally:
        database.unpause()


def service_drops_the_connection(cluster: Cluster) -> None:
    connected_coreapp(cluster)
    cluster.control_upstream("drop")


def service_confirms_nothing(cluster: Cluster) -> None:
    """The coreapp is killed while messages are handed over and not confirmed."""
    cluster.control_upstream("behave", hold=True)
    time.sleep(2)
    cluster.container(connected_coreapp(cluster)).restart(timeout=0)
    time.sleep(LONG)
    cluster.control_upstream("behave", hold=False)


# The test injects each of these once, in this order; a soak draws from ALL.
SHORT: list[Fault] = [
    shards_become_two_or_one_again,
    coreapp_is_killed,
    coreapp_is_stopped_and_started,
    coreapp_freezes,
    coreapp_is_cut_off,
    coreapp_is_cut_off_from_the_database,
    primary_master_is_killed,
    database_hangs,
    webapp_is_killed,
    service_drops_the_connection,
]
ALL: list[Fault] = [
    *SHORT,
    coreapp_is_killed_and_comes_back_at_once,
    coreapp_is_cut_off_from_the_masters,
    coreapp_loses_its_network,
    primary_master_freezes,
    every_master_is_killed,
    database_restarts,
    database_is_killed,
    service_confirms_nothing,
]


def connected_coreapp(cluster: Cluster) -> str:
    """Wait for a connected coreapp; return its instance. Raises TimeoutError."""
    instances: list[str] = []

    def is_connected() -> bool:
        instances.append(cluster.connected())
        return bool(instances[-1])

    wait_for(is_connected, 60, f"a coreapp of {NAME} is connected")
    return instances[-1]


def drop_packets(cluster: Cluster, instance: str, incoming: list[str], outgoing: list[str]) -> None:
    """Drop some incoming and outgoing packets for a while."""
    cluster.firewall(instance, "-A", "INPUT", *incoming, "-j", "DROP")
    cluster.firewall(instance, "-A", "OUTPUT", *outgoing, "-j", "DROP")
    time.sleep(LONG)
    cluster.firewall(instance, "-F", "INPUT")
    cluster.firewall(instance, "-F", "OUTPUT")
