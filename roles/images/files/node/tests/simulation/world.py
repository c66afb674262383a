"""A whole cluster in virtual time, on a simulated network, database, upstream and clocks. A schedule's seed decides everything.

A frozen process (SIGSTOP, a host that hangs) cannot disconnect under any rule: then the upstream's refusal of older epochs protects the
account. So a frozen process does not count as connected, but it must know at once when it thaws that its right has ended.
"""

from __future__ import annotations

from typing import Any, TypeVar

from .coreapp import Coreapp
from .database import Snapshot
from .invariants import Invariants, Violation
from .master import Master
from .network import QUICK, Network
from .outbox_sender import READ_TIMEOUT
from .process import Process
from .traffic import Traffic
from .upstream import Upstream
from .webapp import Webapp

__all__ = ["CLOCK_RATES", "DEFAULT", "FAST", "QUICK", "Violation", "World"]

CLOCK_RATES = (0.96, 1.04)  # any two of them differ by less than the margin allows
FAST, DEFAULT = (1, 3), (5, 30)  # heartbeat_interval, unhealthy_interval

AnyProcess = TypeVar("AnyProcess", bound=Process)


class World(Network, Invariants):
    """One cluster. Every method that lets time pass raises Violation.

    arrival: seconds after a recovery in which every accepted message arrives; a request that the database never got is abandoned and repeated.
    """

    upstream_kind: type[Any] = Upstream
    coreapp_kind: type[Coreapp] = Coreapp
    webapp_kind: type[Webapp] = Webapp
    traffic_kind: type[Traffic] = Traffic
    arrival = READ_TIMEOUT + 5.0

    def __init__(
        self,
        seed: int,
        masters: int = 2,
        coreapps: int = 3,
        webapps: int = 1,
        shards: int = 1,
        settings: tuple[int, int] = FAST,
        loss: float = 0.0,
        slowest: float = QUICK,
        pause: float = 0.5,
    ) -> None:
        """loss, slowest: see Network. pause: seconds between two messages of the clients."""
        Network.__init__(self, seed, shards, loss, slowest)
        Invariants.__init__(self)
        self.seed, self.settings = seed, settings
        self.upstream = self.upstream_kind(self)
        self.masters: list[Master] = []
        self.masters = [self.started(Master, f"m{number}") for number in range(masters)]
        self.nodes = [self.started(self.coreapp_kind, f"c{number}") for number in range(coreapps)]
        self.coreapps = {node.name: node for node in self.nodes}
        self.webapps = [self.started(self.webapp_kind, f"w{number}") for number in range(webapps)]
        self.traffic = self.traffic_kind(self, pause)
        self.snapshots: dict[float, Snapshot] = {}  # by the moment of the fault that returns to it
        self.recovered_after = 0.0  # seconds after the last fault
        self.uncertain = 0  # messages of which it was uncertain whether they were sent

    def started(self, kind: type[AnyProcess], name: str) -> AnyProcess:
        """Return a process that has just started."""
        process = kind(self, name, self.random.uniform(*CLOCK_RATES), self.random.uniform(0, 1000))
        self.processes[name] = process
        return process

    def coreapp(self, name: str) -> Coreapp:
        """Return a coreapp by its name."""
        return self.coreapps[name]

    def waits(self, _number: int) -> bool:
        """Return whether a message that has arrived has no outcome yet."""
        return False

    def forget_lost(self) -> None:
        """Take note that a failover has lost commits."""

    def check_end(self) -> None:
        """Check what must be true at the end of a run."""

    def close(self) -> None:
        """End every process."""

    # -- as seen from outside ----------------------------------------------------------------------------------------------

    def connected_for(self, shard: int) -> list[Coreapp]:
        """Return the running coreapps that are connected for a shard of the present map."""
        of = len(self.database.rows)
        return [
            node
            for node, grant in self.owners
            if (grant.shard, grant.of) == (shard, of) and node.alive and not node.frozen
        ]

    def served(self) -> bool:
        """Return whether the map has the wanted number of shards and a coreapp is connected for each."""
        shards = len(self.database.rows)
        return shards == self.database.wanted and all(self.connected_for(shard) for shard in range(shards))

    def change_settings(self, settings: tuple[int, int]) -> None:
        """Let every process learn new settings, each after a while."""
        self.settings = settings
        for process in self.processes.values():

            def learn(process: Process = process) -> None:
                process.heartbeat, process.unhealthy = self.settings

            self.at(3 * self.rnd(), learn)
