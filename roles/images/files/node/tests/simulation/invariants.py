"""What must be true of a simulated cluster at every moment. Each invariant is checked whenever it could begin not to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .process import Process

if TYPE_CHECKING:
    from waba_node.control.ownership import Grant

    from .coreapp import Coreapp
    from .database import Database
    from .master import Master


class Violation(AssertionError):
    """An invariant does not hold; the message has the seed and what happened."""


class Invariants:
    """The checks, and the record of events that explains a violation."""

    seed: int
    now: float
    database: Database
    masters: list[Master]

    def __init__(self) -> None:
        self.trace: list[tuple[float, str, tuple[object, ...]]] = []
        self.owners: list[tuple[Coreapp, Grant]] = []  # the connected coreapps

    def note(self, event: str, *more: object) -> None:
        """Record an event."""
        self.trace.append((self.now, event, more))

    def check_single_connection(self, node: Coreapp, grant: Grant) -> None:
        """Check that no other running coreapp is connected for recipients of a grant."""
        for other, its in self.owners:
            runs = other is not node and other.alive and not other.frozen
            if runs and (its.shard - grant.shard) % min(its.of, grant.of) == 0:
                names = sorted((node.name, other.name))
                self.fail(f"two coreapps are connected for the same recipients: {names}, {its} and {grant}")

    def check_single_primary(self) -> None:
        """Check that at most one master acts as primary."""
        acting = [one.name for one in self.masters if one.acts()]
        if len(acting) > 1:
            self.fail(f"two masters act as primary: {acting}")

    def check_one_shard_each(self) -> None:
        """Check that no process owns two shards."""
        named = [(row.owner, row.life) for row in self.database.rows if row.owner is not None]
        if len(named) > len(set(named)):
            self.fail(f"one process owns two shards: {named}")

    def check_after_thaw(self, process: Process) -> None:
        """Check that a process that continues after a freeze knows which rights it has lost."""
        for node, grant in self.owners:
            if node is process:
                self.check_single_connection(node, grant)
        self.check_single_primary()

    def record_connected(self, node: Coreapp, grant: Grant) -> None:
        """Record that a coreapp is connected."""
        self.note("%s is connected for %d of %d, epoch %d", node.name, grant.shard, grant.of, grant.epoch)
        self.check_single_connection(node, grant)
        self.owners.append((node, grant))

    def record_disconnected(self, node: Coreapp) -> None:
        """Record that a coreapp is not connected any more."""
        self.owners = [(other, grant) for other, grant in self.owners if other is not node]

    def fail(self, problem: str) -> None:
        """Raise Violation."""
        raise Violation(f"seed {self.seed}: {problem}\n{self.story()}")

    def story(self) -> str:
        """Return what happened, one event a line."""
        return "\n".join(f"{at:7.2f} {event % more if more else event}" for at, event, more in self.trace)
