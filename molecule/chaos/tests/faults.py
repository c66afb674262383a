"""What can happen to a cluster: each fault strikes, lasts, and is fixed."""

from __future__ import annotations

import time
from collections.abc import Callable

from cluster import NAME, Cluster
from waiting import wait_for

LONG = 8.0  # seconds: longer than any window or lease under the fast settings, so that somebody else takes over
Fault = Callable[[Cluster], None]


def shards_become_two_or_one_again(cluster: Cluster) -> None:
    """And one coreapp stands by for both."""
    cluster.draw_shards(3 - cluster.shards)


def coreapp_is_killed(cluster: Cluster) -> None:
    instance = the_connected(cluster)
    cluster.container(instance).kill()
    time.sleep(LONG)
    cluster.container(instance).start()


def coreapp_is_stopped_and_started(cluster: Cluster) -> None:
    container = cluster.container(the_connected(cluster))
    container.stop()
    container.start()


def coreapp_is_killed_and_comes_back_at_once(cluster: Cluster) -> None:
    cluster.container(the_connected(cluster)).restart(timeout=0)


def coreapp_freezes(cluster: Cluster) -> None:
    container = cluster.container(the_connected(cluster))
    container.pause()
    time.sleep(LONG)
    container.unpause()


def coreapp_is_cut_off(cluster: Cluster) -> None:
    """From everybody, silently, so that no end of the connection to the service is told."""
    instance = the_connected(cluster)
    silenced(cluster, instance, ["-i", "eth0"], ["-o", "eth0"])


def coreapp_is_cut_off_from_the_database(cluster: Cluster) -> None:
    """It may go on: the masters prove for it."""
    database = cluster.address("db")
    silenced(cluster, the_connected(cluster), ["-s", database], ["-d", database])


def coreapp_is_cut_off_from_the_masters(cluster: Cluster) -> None:
    """It can prove itself to the database, but is demoted."""
    instance = the_connected(cluster)
    masters = [cluster.address(name) for name in ("master1", "master2")]
    for master in masters:
        cluster.firewall(instance, "-A", "INPUT", "-s", master, "-j", "DROP")
    time.sleep(LONG)
    cluster.firewall(instance, "-F", "INPUT")


def coreapp_loses_its_network(cluster: Cluster) -> None:
    container, (network,) = cluster.container(the_connected(cluster)), cluster.networks()
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


def database_hangs(cluster: Cluster) -> None:
    """Long enough that the owner must step down, and every node says what is wrong."""
    instance, database = the_connected(cluster), cluster.container("db")
    database.pause()
    try:
        for name in (instance, "master1", "waweb1"):
            wait_for(
                lambda name=name: "the database does not answer" in cluster.health_line(name),
                30,
                f"{name} misses the database",
            )
        wait_for(lambda: not cluster.upstream()["connected"], 30, f"{instance} steps down without the database")
    finally:
        database.unpause()


def service_drops_the_connection(cluster: Cluster) -> None:
    the_connected(cluster)
    cluster.tell_upstream("drop")


def service_confirms_nothing(cluster: Cluster) -> None:
    """And the coreapp dies with what was handed over and not confirmed."""
    cluster.tell_upstream("behave", hold=True)
    time.sleep(2)
    cluster.container(the_connected(cluster)).restart(timeout=0)
    time.sleep(LONG)
    cluster.tell_upstream("behave", hold=False)


# The short form strikes once with each of these, in this order; a soak draws from ALL.
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


def the_connected(cluster: Cluster) -> str:
    """Return the instance that is connected, once there is one. Raises TimeoutError."""
    found: list[str] = []
    wait_for(lambda: found.append(cluster.connected()) or found[-1], 60, f"a coreapp of {NAME} is connected")
    return found[-1]


def silenced(cluster: Cluster, instance: str, incoming: list[str], outgoing: list[str]) -> None:
    """Drop what comes in and goes out for a while."""
    cluster.firewall(instance, "-A", "INPUT", *incoming, "-j", "DROP")
    cluster.firewall(instance, "-A", "OUTPUT", *outgoing, "-j", "DROP")
    time.sleep(LONG)
    cluster.firewall(instance, "-F", "INPUT")
    cluster.firewall(instance, "-F", "OUTPUT")
