"""A simulated process: its life, its clock, its timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World

LONG_AGO = float("-inf")


def nothing(_answer: object = None) -> None:
    """Take an answer, or that none came, and do nothing about it."""


class Later:
    """What a call returns whose answer comes later; the network sets `answer`."""

    answer: Callable[[object], None] = staticmethod(nothing)


class Process:
    """A process that can crash, hang and start again; its clock goes at its own rate."""

    def __init__(self, world: World, name: str, rate: float, reading: float) -> None:
        self.world, self.name, self.rate = world, name, rate
        self.reading, self.set_at = reading, 0.0
        self.alive, self.frozen, self.lives = True, False, 1
        self.stopping = False  # what it asks for now it waits for before it ends
        self.backlog: list[Callable[[], None]] = []  # what came due or arrived while it was frozen
        self.born()

    @property
    def life(self) -> str:
        return str(self.lives)

    def clock(self) -> float:
        return self.reading + (self.world.now - self.set_at) * self.rate

    def drift(self, rate: float) -> None:
        """Let the clock go at another rate from now on."""
        self.reading, self.set_at = self.clock(), self.world.now
        self.rate = rate

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something when so many seconds have passed by this process's clock."""
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
        """Do something again and again; it returns after how many seconds."""

        def step() -> None:
            self.after(action(), step)

        step()

    def born(self) -> None:
        """Forget everything and begin."""
        self.heartbeat, self.unhealthy = self.world.settings
        self.backlog.clear()

    def stop(self) -> None:
        """Hand over what it holds, as on SIGTERM."""
