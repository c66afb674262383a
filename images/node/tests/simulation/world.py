"""A whole cluster in virtual time, on a simulated network, database, upstream and clocks. A schedule's seed decides everything.

Nothing is done but what is due: the simulation goes from event to event. A process that is frozen (SIGSTOP, a host that hangs) cannot
disconnect, whatever the rule: then the upstream's refusal of older epochs is what protects. So the frozen do not count as connected, but
who thaws must know at once that its time is over.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

from waba_node.control.ownership import Grant

from .coreapp import Coreapp
from .database import Database
from .master import Master
from .process import Later, Process, nothing
from .traffic import Traffic, Webapp
from .upstream import Upstream

PATIENCE = 2.0  # seconds after which a call counts as unanswered
CLOCK_RATES = (0.96, 1.04)  # any two of them differ by less than the margin allows
FAST, DEFAULT = (1, 3), (5, 30)  # heartbeat_interval, unhealthy_interval
QUICK = 0.05  # seconds that a message takes at most on a good network


class Violation(AssertionError):
    """An invariant does not hold; the message has the seed and what happened."""


class World:
    """One cluster. Everything that lets time pass raises Violation."""

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
        """loss: the share of messages that the network drops. slowest: seconds. pause: seconds between two messages of the clients."""
        self.seed, self.random, self.now, self.trace = seed, random.Random(seed), 0.0, []
        self.rnd = self.random.random
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.events = 0
        self.settings, self.loss, self.slowest = settings, loss, slowest
        self.cut: set[tuple[str, str]] = set()
        self.database = Database(shards, self.commit)
        self.upstream = Upstream(self)
        self.owners: list[tuple[Coreapp, Grant]] = []  # who is connected
        self.processes: dict[str, Process] = {}
        self.masters = [self.begun(Master, f"m{number}") for number in range(masters)]
        self.nodes = [self.begun(Coreapp, f"c{number}") for number in range(coreapps)]
        self.webapps = [self.begun(Webapp, f"w{number}") for number in range(webapps)]
        self.traffic = Traffic(self, pause)
        self.recovered_after = 0.0  # seconds after the last fault

    def begun(self, kind: type[Process], name: str) -> Process:
        process = kind(self, name, self.random.uniform(*CLOCK_RATES), self.random.uniform(0, 1000))
        self.processes[name] = process
        return process

    # -- the network -------------------------------------------------------------------------------------------------

    def call(
        self,
        caller: Process,
        way: tuple[str, ...],
        ask: Callable,
        answered: Callable = nothing,
        failed: Callable = nothing,
        patience: float = PATIENCE,
    ) -> None:
        """Let a process call the end of a way, e.g. ("m0", "db") for the database by way of a master.

        `ask` runs there, `answered` takes what it returns, or `failed` is called. Each direction may be slow, cut off or lost, and the
        request may come twice, late, or be done without an answer.
        """
        lives, limit, database = caller.lives, self.now + patience / caller.rate, self.database
        on_database, starts, over = way[-1] == "db", 0, False
        # A transaction takes several round trips, so the database rolls back what the dead have not finished.
        own_transaction = way == ("db",) and not caller.stopping

        def arrive() -> None:
            nonlocal starts
            if own_transaction and caller.lives != lives:
                return
            if not self.open(caller, way, arrive):
                give_up()
                return
            if on_database:
                if self.now < database.down_until:
                    self.at(self.delay(), fail)
                    return
                starts = database.starts
            answer = ask()
            if isinstance(answer, Later):
                answer.answer = send_back
            else:
                send_back(answer)

        def send_back(answer: object) -> None:
            later = self.now + self.delay()
            if later > limit or (self.loss and self.rnd() < self.loss):
                give_up()
            else:
                self.at(later - self.now, lambda: finish(answer))

        def give_up() -> None:
            if failed is not nothing:
                self.at(max(0.0, limit - self.now), fail)

        def finish(answer: object) -> None:
            nonlocal over
            if over or caller.lives != lives:
                return
            if caller.frozen:  # it finds both, the answer and that time is up, when it thaws
                caller.backlog.append(lambda: finish(answer) if self.now <= limit or self.rnd() < 0.5 else fail())
            elif self.cut and not self.uncut(caller, way):
                give_up()
            elif on_database and starts != database.starts:  # done, but the connection is lost
                fail()
            else:
                over = True
                answered(answer)

        def fail() -> None:
            nonlocal over
            if not over and caller.lives == lives:
                if caller.frozen:
                    caller.backlog.append(fail)
                else:
                    over = True
                    failed()

        def again() -> None:
            dead = own_transaction and caller.lives != lives
            if not dead and self.open(caller, way) and self.now >= database.down_until:
                ask()

        self.at(self.delay(), arrive)
        if self.loss and self.rnd() < self.loss / 2:
            self.at(3 * self.delay(), again)

    def look(
        self,
        caller: Process,
        way: tuple[str, ...],
        ask: Callable,
        answered: Callable,
        failed: Callable = nothing,
        patience: float = PATIENCE,
    ) -> None:
        """Let a process call for something that changes nothing there: what it hears was true when it asked, or is true when it hears it."""
        lives, delay = caller.lives, self.delay() + self.delay()
        early = self.rnd() < 0.5
        good = delay * caller.rate < patience and (not early or self.reachable(caller, way))
        value = ask() if good and early else None

        def finish() -> None:
            if caller.lives != lives:
                return
            if caller.frozen:
                caller.backlog.append(finish)
            elif not good:
                failed()
            elif early:
                answered(value)
            elif self.reachable(caller, way):
                answered(ask())
            else:
                failed()

        if good or failed is not nothing:
            self.at(delay if good else patience / caller.rate, finish)

    def reachable(self, caller: Process, way: tuple[str, ...]) -> bool:
        return self.open(caller, way) and (way[-1] != "db" or self.now >= self.database.down_until)

    def open(self, caller: Process, way: tuple[str, ...], waiting: Callable[[], None] | None = None) -> bool:
        """Return whether a message gets along a way now; the caller need not run any more.

        waiting: the message, which one that hangs may still take when it goes on.
        """
        if self.loss and self.rnd() < self.loss:
            return False
        if self.cut and not self.uncut(caller, way):
            return False
        for name in way:
            if name == "db":
                if self.database.paused:
                    if waiting is not None and self.rnd() < 0.5:
                        self.database.held.append(waiting)
                    return False
            elif (there := self.processes.get(name)) is not None:
                if there.frozen and waiting is not None and self.rnd() < 0.5:
                    there.backlog.append(waiting)
                if not there.alive or there.frozen:
                    return False
        return True

    def uncut(self, caller: Process, way: tuple[str, ...]) -> bool:
        here = caller.name
        for name in way:
            if (here, name) in self.cut:
                return False
            here = name
        return True

    def separate(self, one: str, other: str) -> None:
        """Cut the line between two."""
        self.cut.update(((one, other), (other, one)))

    def delay(self) -> float:
        return 0.001 + self.slowest * self.rnd()

    def commit(self, action: Callable[[], None]) -> None:
        """End a transaction in a while: rarely a long one, in which its coreapp may have lost the shard."""
        self.at(self.delay() * (3 if self.rnd() < 0.1 else 0.2), action)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self.events += 1
        heapq.heappush(self.queue, (self.now + seconds, self.events, action))

    # -- invariants, each looked at whenever it could begin not to hold ------------------------------------------------

    def note(self, what: str, *more: object) -> None:
        self.trace.append((self.now, what, more))

    def alone(self, node: Coreapp, grant: Grant) -> None:
        """See that nobody else is connected for what a grant serves."""
        for other, its in self.owners:
            runs = other is not node and other.alive and not other.frozen
            if runs and (its.shard - grant.shard) % min(its.of, grant.of) == 0:
                names = sorted((node.name, other.name))
                self.fail(f"two coreapps are connected for the same recipients: {names}, {its} and {grant}")

    def connected(self, node: Coreapp, grant: Grant) -> None:
        self.note("%s is connected for %d of %d, epoch %d", node.name, grant.shard, grant.of, grant.epoch)
        self.alone(node, grant)
        self.owners.append((node, grant))

    def disconnected(self, node: Coreapp) -> None:
        self.owners = [(other, grant) for other, grant in self.owners if other is not node]

    def thawed(self, process: Process) -> None:
        """See that who goes on after a freeze knows what it may no longer do."""
        for node, grant in self.owners:
            if node is process:
                self.alone(node, grant)
        self.one_primary()

    def one_primary(self) -> None:
        acting = [one.name for one in self.masters if one.acts()]
        if len(acting) > 1:
            self.fail(f"two masters act as primary: {acting}")

    def one_shard_each(self) -> None:
        named = [(row.owner, row.life) for row in self.database.rows if row.owner is not None]
        if len(named) > len(set(named)):
            self.fail(f"one process owns two shards: {named}")

    def fail(self, what: str) -> None:
        raise Violation(f"seed {self.seed}: {what}\n{self.story()}")

    def story(self) -> str:
        """Return what happened, a line each."""
        return "\n".join(f"{at:7.2f} {text % more if more else text}" for at, text, more in self.trace)

    # -- what is seen from outside ---------------------------------------------------------------------------------------

    def connected_for(self, shard: int) -> list[Coreapp]:
        """Return the coreapps that run and are connected for a shard of the present map."""
        of = len(self.database.rows)
        return [
            node
            for node, grant in self.owners
            if (grant.shard, grant.of) == (shard, of) and node.alive and not node.frozen
        ]

    def served(self) -> bool:
        """Return whether the map is as it shall be, and each shard is connected."""
        shards = len(self.database.rows)
        return shards == self.database.wanted and all(self.connected_for(shard) for shard in range(shards))

    def change_settings(self, settings: tuple[int, int]) -> None:
        """Every process hears of new settings, sooner or later."""
        self.settings = settings
        for process in self.processes.values():

            def hear(process: Process = process) -> None:
                process.heartbeat, process.unhealthy = self.settings

            self.at(3 * self.rnd(), hear)

    # -- time --------------------------------------------------------------------------------------------------------------

    def run_for(self, seconds: float) -> None:
        """Let virtual time pass."""
        queue, pop, database = self.queue, heapq.heappop, self.database
        until = self.now + seconds
        while queue[0][0] <= until:
            self.now, _number, action = pop(queue)
            database.now = self.now
            action()
        self.now = database.now = until

    def run_until(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """Let virtual time pass until a condition holds. Return after how many seconds that was, or None when it was not."""
        began = self.now
        while self.now < began + seconds:
            self.run_for(0.1)
            if condition():
                return self.now - began
        return None
