"""The limits of the posts of one connection: its share of the number's rate, and the pauses that answers ask for."""

from __future__ import annotations

from waba_node.control.dispatch import BURST, PAIR_BASE, PAUSE

THROTTLED, PAIR_THROTTLED = 130429, 131056  # codes of the Cloud API
TOLERANCE = 1.1  # the clocks of processes are faster or slower
BATCHES = 2  # that may be posted together: one waits for its claim, the next one follows


class Pace:
    """The posts of one connection."""

    def __init__(self, rate: float, now: float) -> None:
        """rate: messages per second."""
        self.rate = rate * TOLERANCE
        self.batch = max(1.0, rate * BURST)
        self.tokens, self.at = BATCHES * self.batch, now
        self.held_until, self.exempt = now, 0.0  # exempt: posts that were claimed before the pause began
        self.sending: set[str] = set()  # recipients
        self.refusals: dict[str, int] = {}  # recipient -> in a row
        self.pauses: dict[str, float] = {}  # recipient -> its end

    def begin(self, recipient: str, now: float) -> str | None:
        """Record a post. Return the rule that it breaks, or None."""
        self.tokens = min(BATCHES * self.batch, self.tokens + (now - self.at) * self.rate) - 1.0
        self.at = now
        if self.tokens < -1e-6:
            return "exceeds its share of the rate"
        if now < self.held_until:
            self.exempt -= 1.0
            if self.exempt < -1e-6:
                return "posts in the pause of the number"
        if now < self.pauses.get(recipient, now):
            return "posts in the pause of a recipient"
        if recipient in self.sending:
            return "posts two messages of one recipient at once"
        self.sending.add(recipient)
        return None

    def end(self, recipient: str, code: int | None, now: float) -> None:
        """Record the end of a post. code: of the answer's error."""
        self.sending.discard(recipient)
        if code == THROTTLED:
            if now >= self.held_until:
                self.exempt = self.batch
            self.held_until = now + PAUSE / TOLERANCE
        if code == PAIR_THROTTLED:
            refusals = self.refusals.get(recipient, 0)
            self.refusals[recipient] = refusals + 1
            self.pauses[recipient] = now + PAIR_BASE**refusals / TOLERANCE
        else:
            self.refusals.pop(recipient, None)
