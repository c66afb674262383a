"""Whether this node can do its work, as a line of text on a port: no credentials, no HTTP, cheap enough to ask every second.

The port and that it accepts TCP is a vendor fact; the line is ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

GRACE = 15.0  # seconds by which a loop may be late


class Health:
    """What stands in the way of this node's work. No reason: healthy."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {"start": "starting"}
        self.due: dict[str, float] = {}

    def bad(self, what: str, reason: str) -> bool:
        """Say that `what` does not work, and why. Return whether that is news."""
        known, self.reasons[what] = self.reasons.get(what), reason
        return known != reason

    def good(self, what: str) -> None:
        """Say that `what` works."""
        self.reasons.pop(what, None)

    def beat(self, loop: str, pause: float) -> None:
        """Say that a loop went round, and for how many seconds it will rest now."""
        self.due[loop] = time.monotonic() + pause

    def line(self) -> str:
        """Return `ok`, or `unhealthy: ` and the reasons."""
        now = time.monotonic()
        stalled = [f"{loop} is {now - due:.0f} s late" for loop, due in self.due.items() if now - due > GRACE]
        reasons = [*self.reasons.values(), *stalled]
        return f"unhealthy: {'; '.join(reasons)}" if reasons else "ok"


async def serve(line: Callable[[], str], port: int, host: str | None = None) -> asyncio.Server:
    """Answer every connection with one line."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line().encode() + b"\n")
        try:
            await writer.drain()
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port)
