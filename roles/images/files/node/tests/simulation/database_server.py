"""The simulated database server: it pauses, restarts, fails over to another member, loses its last commits; its clock jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class DatabaseServer:
    """See the module. now: the simulation's time, from which the server's own clock differs by `offset` seconds."""

    now: float = 0.0
    offset: float = 0.0
    paused: bool = False
    down_until: float = 0.0
    starts: int = 0  # transactions and connections from before the last start are lost
    held: list[Callable[[], None]] = field(default_factory=list)  # what arrived while it was paused

    def time(self) -> float:
        """Return the reading of the server's clock."""
        return self.now + self.offset

    def set_clock(self, offset: float) -> None:
        """Let the clock jump."""
        self.offset = offset

    def pause(self) -> None:
        """Answer nothing until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Go on, with the requests that arrived during the pause."""
        self.paused, held, self.held = False, self.held, []
        for request in held:
            request()

    def restart(self, seconds: float) -> None:
        """Lose every connection and every open transaction; refuse connections for some seconds."""
        self.starts += 1
        self.down_until = self.now + seconds
        self.paused, self.held = False, []

    def fail_over(self, seconds: float, offset: float) -> None:
        """Let another member take over after some seconds, with everything that was committed and with its own clock."""
        self.restart(seconds)
        self.set_clock(offset)
