"""Which messages to send next to an upstream that limits rates: per number, and per recipient. No I/O, no clock of its own.

Times are seconds on the node's own monotonic clock. The order of a recipient's messages is preserved: at most one of them is in flight, and one that
was not sent goes back to its place. A message of which it is uncertain whether it was sent holds up no other one.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

BURST = 0.1  # seconds for which an unused budget is saved
PAIR_BASE, LONGEST_PAIR_PAUSE = 4.0, 1024.0  # the upstream asks for pauses of 4^n seconds per recipient
MEMORY = LONGEST_PAIR_PAUSE  # seconds after the pause of a recipient without messages, until its refusals are forgotten
PAUSE, LONGEST_PAUSE = (
    1.0,
    60.0,
)  # seconds before a message, or the whole number, is tried again; doubled with each failure
SLOWEST = 1 / 16  # of the rate, while the upstream reports that the number is too fast
ROUNDING = 1e-6  # of a message
RECOVERY = 1 / 32  # of the rate, added each second


class Item(NamedTuple):
    """A message that waits. position: its place among all messages."""

    position: int
    message_id: str
    recipient: str


class Budget:
    """The rate of a number, or of one shard's share of it: a token bucket whose rate falls while the upstream asks for that."""

    def __init__(self, rate: float, now: float) -> None:
        """rate: messages per second."""
        self.rate, self.factor = rate, 1.0
        self.tokens, self.at = self.capacity, now
        self.held_until, self.failures = now, 0

    @property
    def capacity(self) -> float:
        """Return how many messages may be sent at once."""
        return max(1.0, self.rate * BURST)

    @property
    def present_rate(self) -> float:
        """Return messages per second, as the upstream's answers allow now."""
        return self.rate * self.factor

    def advance(self, now: float) -> None:
        """Add what the time since the last call gives."""
        passed = max(0.0, now - self.at)
        self.tokens = min(self.capacity, self.tokens + passed * self.present_rate)
        if now >= self.held_until:
            self.factor = min(1.0, self.factor + passed * RECOVERY)
        self.at = max(self.at, now)

    def allows(self, now: float) -> bool:
        """Return whether one message may be sent now."""
        return now >= self.held_until and self.tokens > 1.0 - ROUNDING

    def next_at(self, now: float) -> float:
        """Return when the next message may be sent."""
        return max(self.held_until, now + max(0.0, 1.0 - self.tokens) / self.present_rate)

    def slow_down(self, now: float, retry_after: float | None) -> None:
        """Hold every message back, and send slower afterwards. Answers that were under way with the first refusal count once."""
        if now >= self.held_until:
            self.factor = max(SLOWEST, self.factor / 2)
            self.failures += 1
        pause = min(LONGEST_PAUSE, PAUSE * 2.0 ** min(self.failures - 1, 10)) if retry_after is None else retry_after
        self.held_until = max(self.held_until, now + pause)
        self.tokens = 0.0

    def succeeded(self, now: float) -> None:
        """Record that the upstream accepted a message after the last pause."""
        if now >= self.held_until:
            self.failures = 0


@dataclass
class _Recipient:
    """The messages of one recipient, in order.

    scheduled: whether `ready` or `delayed` has the recipient. idle: whether `Dispatch.idle` has it.
    """

    waiting: list[Item] = field(default_factory=list)
    in_flight: str | None = None
    scheduled: bool = False
    idle: bool = False
    held_until: float = float("-inf")
    refusals: int = 0  # in a row for the limit of the pair
    failures: int = 0  # in a row for other reasons

    @property
    def remembered_until(self) -> float:
        """Return until when the refusals in a row count while no message waits."""
        return self.held_until + MEMORY if self.refusals or self.failures else float("-inf")


class Dispatch:
    """The messages of one owner that wait in memory or are in flight."""

    def __init__(self, rate: float, now: float) -> None:
        """rate: messages per second, of this owner."""
        self.budget = Budget(rate, now)
        self.recipients: dict[str, _Recipient] = {}
        self.known: dict[str, Item] = {}  # waiting or in flight
        self.ready: list[tuple[int, str]] = []  # heap of (position, recipient)
        self.delayed: list[tuple[float, str]] = []  # heap of (moment, recipient)
        self.idle: list[tuple[float, str]] = []  # heap of (moment to forget it, recipient) without messages
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """Return the number of messages that wait."""
        return len(self.known) - self.in_flight

    def count_of(self, recipient: str) -> int:
        """Return how many messages of a recipient wait."""
        return len(self.recipients[recipient].waiting) if recipient in self.recipients else 0

    def is_in_flight(self, message_id: str) -> bool:
        """Return whether a message is in flight."""
        item = self.known.get(message_id)
        return item is not None and self.recipients[item.recipient].in_flight == message_id

    def add(self, item: Item) -> None:
        """Let a message wait for its turn. One that is known already stays where it is."""
        if item.message_id in self.known:
            return
        self.known[item.message_id] = item
        recipient = self.recipients.setdefault(item.recipient, _Recipient())
        bisect.insort(recipient.waiting, item)
        self._schedule(item.recipient)

    def take(self, now: float, limit: int) -> list[Item]:
        """Return the messages to send now, the oldest first, at most `limit`. They are in flight until their outcome is reported."""
        self.budget.advance(now)
        while self.delayed and self.delayed[0][0] <= now:
            _moment, name = heapq.heappop(self.delayed)
            self.recipients[name].scheduled = False
            self._schedule(name, now)
        while self.idle and self.idle[0][0] <= now:
            _moment, name = heapq.heappop(self.idle)
            self.recipients[name].idle = False
            self._schedule(name, now)
        taken: list[Item] = []
        while self.ready and len(taken) < limit and self.budget.allows(now):
            _position, name = heapq.heappop(self.ready)
            recipient = self.recipients[name]
            recipient.scheduled = False
            if not recipient.waiting or recipient.held_until > now:
                self._schedule(name, now)
                continue
            item = recipient.waiting.pop(0)
            recipient.in_flight = item.message_id
            self.in_flight += 1
            self.budget.tokens -= 1.0
            taken.append(item)
        return taken

    def next_at(self, now: float) -> float | None:
        """Return when the next message may be sent, None while no message waits for a moment."""
        if self.ready:
            return self.budget.next_at(now)
        return max(self.delayed[0][0], self.budget.held_until) if self.delayed else None

    # -- outcomes ------------------------------------------------------------------------------------------------------

    def accepted(self, message_id: str, now: float) -> None:
        """The upstream has accepted a message."""
        if recipient := self._end(message_id):
            self.recipients[recipient].refusals = self.recipients[recipient].failures = 0
            self._schedule(recipient, now)
        self.budget.succeeded(now)

    def ended(self, message_id: str, now: float) -> None:
        """A message will not be sent any more, or it is uncertain whether it was: the next one of its recipient has its turn."""
        if recipient := self._end(message_id):
            self._schedule(recipient, now)

    def put_back(self, message_id: str, now: float, pause: float = 0.0) -> None:
        """A message was not sent, for a reason of this cluster: it goes back to its place."""
        self._put_back(message_id, now, pause)

    def not_sent(self, message_id: str, now: float, retry_after: float | None) -> None:
        """The upstream could not send a message now."""
        if item := self.known.get(message_id):
            recipient = self.recipients[item.recipient]
            pause = (
                min(LONGEST_PAUSE, PAUSE * 2.0 ** min(recipient.failures, 10)) if retry_after is None else retry_after
            )
            recipient.failures += 1
            self._put_back(message_id, now, pause)

    def recipient_throttled(self, message_id: str, now: float, retry_after: float | None) -> None:
        """The upstream has refused a message since its recipient received too many."""
        if item := self.known.get(message_id):
            recipient = self.recipients[item.recipient]
            pause = min(LONGEST_PAIR_PAUSE, PAIR_BASE ** min(recipient.refusals, 10))
            recipient.refusals += 1
            self._put_back(message_id, now, max(pause, retry_after or 0.0))

    def number_throttled(self, now: float, retry_after: float | None) -> None:
        """The upstream has refused a message since the number sends too many. The message itself stays in flight until its outcome is recorded."""
        self.budget.slow_down(now, retry_after)

    def remove(self, message_ids: Iterable[str], now: float) -> None:
        """Forget messages that wait, since another outcome is known."""
        for message_id in message_ids:
            if message_id not in self.known or self.is_in_flight(message_id):
                continue
            item = self.known.pop(message_id)
            self.recipients[item.recipient].waiting.remove(item)
            self._schedule(item.recipient, now)

    # -- schedule ------------------------------------------------------------------------------------------------------

    def _end(self, message_id: str) -> str | None:
        """Forget a message in flight. Return its recipient."""
        if not self.is_in_flight(message_id):
            return None
        item = self.known.pop(message_id)
        self.recipients[item.recipient].in_flight = None
        self.in_flight -= 1
        return item.recipient

    def _put_back(self, message_id: str, now: float, pause: float) -> None:
        item = self.known.get(message_id)
        if item is None or (recipient := self._end(message_id)) is None:
            return
        self.known[message_id] = item
        state = self.recipients[recipient]
        bisect.insort(state.waiting, item)
        state.held_until = now + pause
        self._schedule(recipient, now)

    def _schedule(self, name: str, now: float = float("-inf")) -> None:
        """Put a recipient into one of the heaps; forget it where it has neither a message, nor a pause, nor refusals that count."""
        recipient = self.recipients[name]
        if recipient.scheduled or recipient.in_flight is not None:
            return
        if recipient.held_until > now:
            heapq.heappush(self.delayed, (recipient.held_until, name))
        elif recipient.waiting:
            heapq.heappush(self.ready, (recipient.waiting[0].position, name))
        else:
            self._forget(name, recipient, now)
            return
        recipient.scheduled = True

    def _forget(self, name: str, recipient: _Recipient, now: float) -> None:
        """Forget a recipient without messages, once its refusals no longer count."""
        if recipient.idle:
            return
        if recipient.remembered_until > now:
            recipient.idle = True
            heapq.heappush(self.idle, (recipient.remembered_until, name))
        else:
            del self.recipients[name]
