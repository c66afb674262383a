"""Faults of three database members under constant traffic: `scenario.py [--faults COUNT] [--seed SEED]`.

Without a count, each fault of the short form once. After each fault the cluster is whole again by itself, the members' positions and tables are
equal, every accepted message has arrived, and the account is not banned. Prints a row per fault, and the figures beside their goals.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests/support"))

from authority import Authority
from cryptography import x509
from faults import FAULTS, SHORT, Fault
from members import ADDRESSES, PREFIX, Members, remove
from nodes import Nodes, Traffic
from waiting import wait_for

WHOLE = 300  # seconds on a busy machine
ARRIVAL = 120  # seconds
TABLES = "SELECT GROUP_CONCAT(CONCAT('waba.', table_name)) FROM information_schema.tables WHERE table_schema = 'waba'"


@dataclass
class Outcome:
    """gap: longest time without an accepted message. whole: seconds from the end of the fault until the cluster is whole."""

    fault: Fault
    gap: float
    refused: list[str]
    whole: float
    load: float

    @property
    def passed(self) -> bool:
        return self.fault.outage or (not self.refused and self.gap <= self.fault.limit)

    def row(self) -> str:
        mark = "ok" if self.passed else "OVER"
        return (
            f"{self.fault.name:42} {self.gap:6.1f} s of {self.fault.limit:4.0f}  {len(self.refused):3} refused  "
            f"whole after {self.whole:5.1f} s  load {self.load:4.0f}  {mark}"
        )


def compare(members: Members) -> bool:
    """Return whether the positions and the tables of all members are equal now."""

    def read(name: str) -> tuple[str, ...]:
        tables = members.sql(name, TABLES)
        # Coreapps wait for the second position.
        positions = members.wsrep(name, "last_committed"), members.sql(name, "SELECT WSREP_LAST_SEEN_GTID()")
        return *positions, members.sql(name, f"CHECKSUM TABLE {tables}")

    try:
        with ThreadPoolExecutor(len(ADDRESSES)) as pool:
            states = list(pool.map(read, ADDRESSES))
    except RuntimeError:  # a member that is starting
        return False
    return len(set(states)) == 1


def inject(fault: Fault, members: Members, nodes: Nodes, traffic: Traffic) -> Outcome:
    """Inject a fault and check everything afterwards. Raises TimeoutError or AssertionError."""
    began, refused = time.monotonic(), len(traffic.calls.refused)
    fault.inject(members)
    whole = wait_for(members.is_whole, WHOLE, f"the cluster is whole after: {fault.name}")
    before = len(traffic.calls.accepted)
    wait_for(lambda: len(traffic.calls.accepted) > before + 10, WHOLE, "messages are accepted again")
    gap = traffic.calls.gap(began)
    traffic.running.clear()
    try:
        accepted = set(traffic.calls.accepted)
        wait_for(
            lambda: not accepted - nodes.upstream("received").keys(), ARRIVAL, "every accepted message has arrived"
        )
        wait_for(lambda: compare(members), ARRIVAL, "positions and tables are equal")
    finally:
        traffic.running.set()
    assert nodes.upstream()["banned"] is None, nodes.upstream()["banned"]
    return Outcome(fault, gap, traffic.calls.refused[refused:], whole, os.getloadavg()[0])


def choose(count: int, seed: int) -> list[Fault]:
    """Return the faults of a run. count: 0 for the short form."""
    if not count:
        return FAULTS[:SHORT]
    print(f"seed {seed}", flush=True)
    return random.Random(seed).choices(FAULTS, k=count)


def summary(outcomes: list[Outcome], members: Members, nodes: Nodes, traffic: Traffic) -> list[str]:
    """Return the figures beside their goals."""
    serving = [outcome for outcome in outcomes if not outcome.fault.outage]
    state = nodes.upstream()

    def worst(text: str) -> float:
        return max((outcome.gap for outcome in serving if text in outcome.fault.name), default=0.0)

    def sizes(suffix: str) -> str:
        return ", ".join(f"{members.memory(name + suffix):.0f}" for name in ADDRESSES)

    return [
        f"faults                          {len(outcomes)}; {sum(outcome.passed for outcome in outcomes)} within their limits",
        f"messages accepted, lost         {len(traffic.calls.accepted)}, 0 (goal 0)",
        f"double connections              {'none' if state['banned'] is None else state['banned']} (goal none)",
        f"calls refused, majority present {sum(len(outcome.refused) for outcome in serving)} (goal 0)",
        f"pause, faults of the writer     {worst('writer'):.1f} s (goal 5)",
        f"pause, faults of a reader       {worst('reader'):.1f} s (goal 3)",
        f"pause, planned handover         {worst('handover'):.1f} s (goal 1)",
        f"slowest answer                  {traffic.calls.slowest:.1f} s",
        f"memory of members, MiB          {sizes('')} (goal 160)",
        f"memory of guards, MiB           {sizes('-guard')} (goal 24)",
        f"memory of the proxy, MiB        {members.memory('proxy'):.0f} (goal 16)",
    ]


def certificates(folder: Path) -> Path:
    """Write the certificates of the members to a folder; return it."""
    authority = Authority(folder, "members")
    shutil.copy(authority.ca, folder / "ca.pem")
    for name, address in ADDRESSES.items():
        certificate, key = authority.sign(x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address)))
        shutil.copy(certificate, folder / f"{name}-cert.pem")
        shutil.copy(key, folder / f"{name}-key.pem")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=0, help="a soak: this many random faults")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--tls", action="store_true", help="encrypt what the members exchange")
    parser.add_argument("--leave", action="store_true", help="leave the containers for an inspection")
    parser.add_argument("--remove", action="store_true", help="remove what an earlier run left, and end")
    arguments = parser.parse_args()
    if arguments.remove:
        remove()
        return 0
    members = Members(certificates(Path(tempfile.mkdtemp(prefix=PREFIX))) if arguments.tls else None)
    nodes = Nodes(members)
    outcomes: list[Outcome] = []
    try:
        members.create()
        members.begin()
        nodes.start()
        with Traffic(nodes) as traffic:
            wait_for(lambda: len(traffic.calls.accepted) > 20, WHOLE, "messages are accepted")
            for fault in choose(arguments.faults, arguments.seed):
                outcomes.append(inject(fault, members, nodes, traffic))
                print(outcomes[-1].row(), flush=True)
                for refusal in outcomes[-1].refused[:3]:
                    print(f"    {refusal}", flush=True)
        print("\n".join(summary(outcomes, members, nodes, traffic)), flush=True)
    finally:
        if not arguments.leave:
            remove()
    return int(not all(outcome.passed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
