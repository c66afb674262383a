"""A whole cluster in virtual time, on a simulated network, database, upstream and clocks. A schedule's seed decides everything.

A frozen process (SIGSTOP, a host that hangs) cannot disconnect under any rule: then the upstream's refusal of older epochs protects the
account. So a frozen process does not count as connected, but it must know at once when it thaws that its right has ended.
"""

from __future__ import annotations

from typing import TypeVar

from .coreapp import Coreapp
from .database import Snapshot
from .invariants import Invariants, Violation
from .master import Master
from .network import QUICK, Network
from .process import Process
from .traffic import Traffic
from .upstream import Upstream
from .webapp import Webapp

__all__ = ["CLOCK_RATES", "DEFAULT", "FAST", "QUICK", "Violation", "World"]

CLOCK_RATES = (0.96, 1.04)  # any two of them differ by less than the margin allows
FAST, DEFAULT = (1, 3), (5, 30)  # heartbeat_interval, unhealthy_interval

AnyProcess = TypeVar("AnyProcess", bound=Process)


class World(Network, Invariants):
    """One cluster. Every method that lets time pass raises Violation."""

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
        self.upstream = Upstream(self)
        self.masters: list[Master] = []
        self.masters = [self.started(Master, f"m{number}") for number in range(masters)]
        self.nodes = [self.started(Coreapp, f"c{number}") for number in range(coreapps)]
        self.coreapps = {node.name: node for node in self.nodes}
        self.webapps = [self.started(Webapp, f"w{number}") for number in range(webapps)]
        self.traffic = Traffic(self, pause)
        self.snapshots: dict[float, Snapshot] = {}  # by the moment of the fault that returns to it
        self.recovered_after = 0.0  # seconds after the last fault

    def started(self, kind: type[AnyProcess], name: str) -> AnyProcess:
        """Return a process that has just started."""
        process = kind(self, name, self.random.uniform(*CLOCK_RATES), self.random.uniform(0, 1000))
        self.processes[name] = process
        return process

    def coreapp(self, name: str) -> Coreapp:
        """Return a coreapp by its name."""
        return self.coreapps[name]

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
