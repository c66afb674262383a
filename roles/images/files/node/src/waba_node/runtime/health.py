"""Whether this node can do its work, as a line of text on a port: no credentials, no HTTP, cheap enough to ask every second.

The contract has the port and that it accepts TCP (docs/reference/vendor-contract.md#ports); the line is our addition.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

GRACE = 15.0  # seconds by which a loop may be late


class Health:
    """The problems that keep this node from its work. A node without a problem is healthy. notes: what operators should know besides."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {"start": "starting"}
        self.notes: dict[str, str] = {}
        self.due: dict[str, float] = {}

    def report(self, subject: str, problem: str) -> bool:
        """Record the problem of a subject. Return whether it is new."""
        known, self.problems[subject] = self.problems.get(subject), problem
        return known != problem

    def clear(self, subject: str) -> None:
        """Record that a subject has no problem."""
        self.problems.pop(subject, None)

    def expect(self, loop: str, pause: float) -> None:
        """Record that a loop runs its next step in `pause` seconds."""
        self.due[loop] = time.monotonic() + pause

    def line(self) -> str:
        """Return `ok`, or `unhealthy: ` and the problems; notes follow in parentheses."""
        stalled = [f"{loop} is {seconds:.0f} s late" for loop, seconds in self._stalled().items()]
        problems = [*self.problems.values(), *stalled]
        state = f"unhealthy: {'; '.join(problems)}" if problems else "ok"
        return f"{state} ({'; '.join(self.notes.values())})" if self.notes else state

    def subjects(self) -> list[str]:
        """Return the subjects of the problems, and the loops that are late."""
        return [*self.problems, *self._stalled()]

    def _stalled(self) -> dict[str, float]:
        """Return {loop: seconds by which it is late} of the loops that are late by more than GRACE."""
        now = time.monotonic()
        return {loop: now - due for loop, due in self.due.items() if now - due > GRACE}


async def serve(line: Callable[[], str], port: int, host: str | None = None) -> asyncio.Server:
    """Answer every connection with one line."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line().encode() + b"\n")
        try:
            await writer.drain()
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port)
