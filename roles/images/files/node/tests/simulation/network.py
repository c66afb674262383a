"""The simulated network: calls that may be slow, cut off, lost, late, repeated, or done without an answer."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from .database import Database
from .process import Later, Process, ignore

PATIENCE = 2.0  # seconds after which a call counts as unanswered
QUICK = 0.05  # seconds that a message takes at most on a good network


class Network:
    """The lines between processes, database and upstream, and the queue of what happens next. Time is virtual."""

    database_kind: type[Database] = Database

    def __init__(self, seed: int, shards: int, loss: float, slowest: float) -> None:
        """loss: the share of messages that the network drops. slowest: seconds for one message at most."""
        self.random, self.now = random.Random(seed), 0.0
        self.rnd = self.random.random
        self.queue: list[tuple[float, int, Callable[[], object]]] = []
        self.events = 0
        self.loss, self.slowest = loss, slowest
        self.cut: set[tuple[str, str]] = set()
        self.database = self.database_kind(shards=shards, later=self.commit)
        self.processes: dict[str, Process] = {}

    # -- calls -----------------------------------------------------------------------------------------------------------

    def call(
        self,
        caller: Process,
        way: tuple[str, ...],
        ask: Callable[[], Any],
        answered: Callable[[Any], object] = ignore,
        failed: Callable[[], object] = ignore,
        patience: float = PATIENCE,
        once: bool = False,
    ) -> None:
        """Let a process call the end of a way, e.g. ("m0", "db") for the database by way of a master.

        `ask` runs there; `answered` gets its result, or `failed` is called. Each direction may be slow, cut off or lost, and the request
        may arrive twice (unless `once`) or late, or be done without an answer.
        """
        lives, limit, database = caller.lives, self.now + patience / caller.rate, self.database
        on_database, starts, over = way[-1] == "db", 0, False
        # A transaction takes several round trips, so the database rolls back what a dead process has not finished.
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
            if failed is not ignore:
                self.at(max(0.0, limit - self.now), fail)

        def finish(answer: object) -> None:
            nonlocal over
            if over or caller.lives != lives:
                return
            if caller.frozen:  # when it thaws, it finds both the answer and that its patience has ended
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

        def repeat() -> None:
            dead = own_transaction and caller.lives != lives
            if not dead and self.open(caller, way) and self.now >= database.down_until:
                ask()

        self.at(self.delay(), arrive)
        if self.loss and not once and self.rnd() < self.loss / 2:
            self.at(3 * self.delay(), repeat)

    def read(
        self,
        caller: Process,
        way: tuple[str, ...],
        ask: Callable[[], Any],
        answered: Callable[[Any], object],
        failed: Callable[[], object] = ignore,
        patience: float = PATIENCE,
    ) -> None:
        """Let a process ask for something that changes nothing there. The answer is true when it was asked for, or when it arrives."""
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

        if good or failed is not ignore:
            self.at(delay if good else patience / caller.rate, finish)

    # -- lines -----------------------------------------------------------------------------------------------------------

    def reachable(self, caller: Process, way: tuple[str, ...]) -> bool:
        """Return whether a process gets an answer from the end of a way now."""
        return self.open(caller, way) and (way[-1] != "db" or self.now >= self.database.down_until)

    def open(self, caller: Process, way: tuple[str, ...], waiting: Callable[[], None] | None = None) -> bool:
        """Return whether a message passes along a way now; the caller need not run any more.

        waiting: the message, which a frozen process or a paused database may still take when it continues.
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
        """Return whether no line of a way is cut."""
        here = caller.name
        for name in way:
            if (here, name) in self.cut:
                return False
            here = name
        return True

    def separate(self, one: str, other: str) -> None:
        """Cut the line between two ends."""
        self.cut.update(((one, other), (other, one)))

    def delay(self) -> float:
        """Return how many seconds the next message takes."""
        return 0.001 + self.slowest * self.rnd()

    # -- time ------------------------------------------------------------------------------------------------------------

    def commit(self, action: Callable[[], None]) -> None:
        """End a transaction after a while: rarely a long one, in which its coreapp may have lost the shard."""
        self.at(self.delay() * (3 if self.rnd() < 0.1 else 0.2), action)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Run an action so many seconds from now."""
        self.events += 1
        heapq.heappush(self.queue, (self.now + seconds, self.events, action))

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
        """Let virtual time pass until a condition holds. Return after how many seconds that was, or None."""
        began = self.now
        while self.now < began + seconds:
            self.run_for(0.1)
            if condition():
                return self.now - began
        return None
