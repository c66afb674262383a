"""A simulated process: its life, its clock, its timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

LONG_AGO = float("-inf")


def ignore(_answer: object = None) -> None:
    """Take an answer, or its absence, and do nothing."""


class Later:
    """The result of a call that is answered later; the network sets `answer`."""

    answer: Callable[[object], None] = staticmethod(ignore)


class Process:
    """A process that can crash, freeze and start again. Its clock runs at its own rate."""

    def __init__(self, world: World, name: str, rate: float, reading: float) -> None:
        self.world, self.name, self.rate = world, name, rate
        self.reading, self.set_at = reading, 0.0
        self.alive, self.frozen, self.lives = True, False, 1
        self.stopping = False  # it waits for the answers to its present requests before it ends
        self.backlog: list[Callable[[], object]] = []  # due or arrived while it was frozen
        self.start()

    @property
    def life(self) -> str:
        """Return the incarnation."""
        return str(self.lives)

    def clock(self) -> float:
        """Return the reading of the process's monotonic clock in seconds."""
        return self.reading + (self.world.now - self.set_at) * self.rate

    def drift(self, rate: float) -> None:
        """Let the clock run at another rate from now on."""
        self.reading, self.set_at = self.clock(), self.world.now
        self.rate = rate

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run an action when so many seconds have passed by this process's clock."""
        lives = self.lives

        def due() -> None:
            if self.lives != lives:
                return
            if self.frozen:
                self.backlog.append(due)
            else:
                action()

        self.world.at(seconds / self.rate, due)

    def every(self, action: Callable[[], float]) -> None:
        """Run an action repeatedly; it returns after how many seconds the next run is due."""

        def step() -> None:
            self.after(action(), step)

        step()

    def start(self) -> None:
        """Start without any memory of an earlier life."""
        self.heartbeat, self.unhealthy = self.world.settings
        self.backlog.clear()

    def stop(self, done: Callable[[], None]) -> None:
        """Hand over what the process holds, as on SIGTERM. done: called when the process may end."""
        done()

    def end(self) -> None:
        """Forget what is under way: the process has ended."""
