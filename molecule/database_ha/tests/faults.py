"""Faults of the database: each injects one, waits, and removes it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from members import ADDRESSES, GUARD, PREFIX, SETTLED, Members, docker
from waiting import wait_for

AWAY = 6.0  # seconds; longer than a failover
Inject = Callable[[Members], None]


@dataclass(frozen=True)
class Fault:
    """limit: seconds without an accepted message. outage: the fault leaves no majority, so that calls may be refused."""

    name: str
    inject: Inject
    limit: float = 5.0
    outage: bool = False


def writer(members: Members) -> str:
    """Wait for a writer; return it."""
    wait_for(members.writer, SETTLED, "a member is the writer")
    return members.writer()


def reader(members: Members) -> str:
    own = writer(members)
    return next(name for name in sorted(ADDRESSES, reverse=True) if name != own)


def peers(name: str) -> list[str]:
    return [address for other, address in ADDRESSES.items() if other != name]


def absent(name: str, seconds: float = AWAY) -> None:
    """Kill a member for some time. Unlike after a crash, the engine does not start it."""
    docker("kill", f"{PREFIX}-{name}")
    time.sleep(seconds)
    docker("start", f"{PREFIX}-{name}")


def crash(members: Members, container: str) -> None:
    """Kill the process of a container, which the engine starts again."""
    former = members.pid(container)
    os.kill(former, signal.SIGKILL)
    wait_for(lambda: members.pid(container) not in (0, former), SETTLED, f"{container} runs again")


def freeze(container: str, seconds: float) -> None:
    docker("pause", f"{PREFIX}-{container}")
    time.sleep(seconds)
    docker("unpause", f"{PREFIX}-{container}")


def restart(name: str) -> None:
    """Stop a member in order, and start it."""
    docker("stop", f"{PREFIX}-{name}")
    docker("start", f"{PREFIX}-{name}")


def cut(members: Members, name: str, *rules: tuple[str, ...], seconds: float = AWAY) -> None:
    """Drop packets of a member for some time."""
    for rule in rules:
        members.firewall(name, "-A", *rule, "-j", "DROP")
    time.sleep(seconds)
    members.firewall(name, "-F")


def cut_from_peers(members: Members, name: str, seconds: float = AWAY) -> None:
    rules = [rule for peer in peers(name) for rule in (("INPUT", "-s", peer), ("OUTPUT", "-d", peer))]
    cut(members, name, *rules, seconds=seconds)


def cut_from_all(members: Members, name: str, seconds: float = AWAY) -> None:
    cut(members, name, ("INPUT", "-i", "eth0"), ("OUTPUT", "-o", "eth0"), seconds=seconds)


def cut_one_way(members: Members, name: str) -> None:
    cut(members, name, *[("INPUT", "-s", peer) for peer in peers(name)])


def cut_from_clients(members: Members, name: str) -> None:
    """For less time than a coreapp repeats a transaction: no guard sees it."""
    others = ",".join(peers(name))
    members.firewall(name, "-A", "INPUT", "-s", others, "-j", "ACCEPT")
    cut(
        members,
        name,
        ("INPUT", "-i", "eth0", "-p", "tcp", "--dport", "3306"),
        ("INPUT", "-i", "eth0", "-p", "tcp", "--dport", "3309"),
        seconds=2,
    )


def move(members: Members) -> None:
    """Hand over as the playbooks do."""
    own = writer(members)
    docker("exec", f"{PREFIX}-{own}-guard", *GUARD, "move", reader(members))


def drain_and_restart(name: str) -> None:
    """Stop a member as the playbooks do, and start it."""
    docker("exec", f"{PREFIX}-{name}-guard", *GUARD, "leave")
    restart(name)


def slow(members: Members, name: str) -> None:
    docker("update", "--cpus", "0.1", f"{PREFIX}-{name}")
    time.sleep(AWAY)
    docker("update", "--cpus", str(os.cpu_count()), f"{PREFIX}-{name}")  # 0 would change nothing


def kill_all(_members: Members) -> None:
    docker("kill", *(f"{PREFIX}-{name}" for name in ADDRESSES))
    docker("start", *(f"{PREFIX}-{name}" for name in ADDRESSES))


def two_return(members: Members) -> None:
    """All fail, and the collection begins the cluster from the more advanced of two."""
    docker("kill", *(f"{PREFIX}-{name}" for name in ADDRESSES))
    positions = {name: members.position(name) for name in ("db2", "db3")}
    best = max(positions, key=lambda name: positions[name]["seqno"])
    members.write_bootstrap_file(best, positions[best]["uuid"], positions[best]["seqno"])
    docker("start", f"{PREFIX}-db2", f"{PREFIX}-db3")
    writer(members)
    docker("start", f"{PREFIX}-db1")


def stop_all(members: Members) -> None:
    """Stop all in order, the writer last, and begin there."""
    last = writer(members)
    docker("stop", *(f"{PREFIX}-{name}" for name in ADDRESSES if name != last))
    docker("stop", f"{PREFIX}-{last}")
    position = members.position(last)
    members.write_bootstrap_file(last, position["uuid"], position["seqno"])
    docker("start", *(f"{PREFIX}-{name}" for name in ADDRESSES))


def wait_for_transfer(name: str) -> None:
    """Wait until a state transfer to a member runs."""

    def runs() -> bool:
        command = ["docker", "exec", f"{PREFIX}-{name}", "test", "-e", "/var/lib/mysql/sst_in_progress"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    wait_for(runs, SETTLED, f"a state transfer to {name} runs")


def lose_volume(members: Members, name: str) -> None:
    docker("rm", "--force", f"{PREFIX}-{name}")
    docker("volume", "rm", f"{PREFIX}-{name}")
    members.start_member(name)


def joiner_crashes(members: Members) -> None:
    name = reader(members)
    lose_volume(members, name)
    wait_for_transfer(name)
    crash(members, name)


def donor_crashes(members: Members) -> None:
    name = reader(members)
    lose_volume(members, name)
    wait_for_transfer(name)
    donors = [other for other in ADDRESSES if members.status(other).get("state") == "Donor/Desynced"]
    for donor in donors:
        crash(members, donor)


def clients_and_writer(members: Members) -> None:
    crash(members, "proxy")
    crash(members, writer(members))


# In the short form, each once, in this order; a soak draws from all.
FAULTS = [
    Fault("writer killed", lambda one: absent(writer(one))),
    Fault("writer crashes, restarts at once", lambda one: crash(one, writer(one))),
    Fault("writer frozen 1 s", lambda one: freeze(writer(one), 1)),
    Fault("writer frozen 15 s", lambda one: freeze(writer(one), 15)),
    Fault("writer stopped in order", lambda one: restart(writer(one))),
    Fault("writer cut from its peers", lambda one: cut_from_peers(one, writer(one))),
    Fault("writer cut from all", lambda one: cut_from_all(one, writer(one))),
    Fault("writer receives nothing from its peers", lambda one: cut_one_way(one, writer(one))),
    Fault("writer cut from clients 2 s", lambda one: cut_from_clients(one, writer(one))),
    Fault("planned handover", move, limit=1.0),
    Fault("writer drained, stopped and back", lambda one: drain_and_restart(writer(one)), limit=3.0),
    Fault("reader drained, stopped and back", lambda one: drain_and_restart(reader(one)), limit=3.0),
    Fault("reader killed", lambda one: absent(reader(one)), limit=3.0),
    Fault("reader frozen 15 s", lambda one: freeze(reader(one), 15), limit=3.0),
    Fault("reader cut from all", lambda one: cut_from_all(one, reader(one)), limit=3.0),
    Fault("reader slow", lambda one: slow(one, reader(one)), limit=3.0),
    Fault("writer's guard crashes", lambda one: crash(one, f"{writer(one)}-guard")),
    Fault("writer's guard frozen 10 s", lambda one: freeze(f"{writer(one)}-guard", 10)),
    Fault("proxy crashes", lambda one: crash(one, "proxy")),
    Fault("state transfer: joiner crashes", joiner_crashes, limit=3.0),
    Fault("all three killed and started", kill_all, limit=60.0, outage=True),
    Fault("two of three return", two_return, limit=60.0, outage=True),
    # Only in the soak. A member that is frozen for 1.5 s continues at the moment of its suspicion, one for 2 s while the others exclude it.
    Fault("writer frozen 1.5 s", lambda one: freeze(writer(one), 1.5)),
    Fault("reader frozen 1.5 s", lambda one: freeze(reader(one), 1.5)),
    Fault("writer frozen 2 s", lambda one: freeze(writer(one), 2)),
    Fault("reader frozen 2 s", lambda one: freeze(reader(one), 2), limit=3.0),
    Fault("writer frozen 3 s", lambda one: freeze(writer(one), 3)),
    Fault("reader crashes, restarts at once", lambda one: crash(one, reader(one)), limit=3.0),
    Fault("reader frozen 3 s", lambda one: freeze(reader(one), 3), limit=3.0),
    Fault("reader stopped in order", lambda one: restart(reader(one)), limit=3.0),
    Fault("reader cut from its peers", lambda one: cut_from_peers(one, reader(one)), limit=3.0),
    Fault("reader's guard crashes", lambda one: crash(one, f"{reader(one)}-guard"), limit=3.0),
    Fault("state transfer: donor crashes", donor_crashes, outage=True, limit=60.0),
    Fault("all stopped in order and started", stop_all, limit=60.0, outage=True),
    Fault("proxy and writer crash", clients_and_writer),
]
SHORT = 22
