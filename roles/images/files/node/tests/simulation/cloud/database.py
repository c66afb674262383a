"""The simulated database of a cluster with the Cloud API: it has more tables, and transactions of several statements."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from waba_node.store.deliveries import IN_FLIGHT, UNCERTAIN
from waba_node.store.outbox import ACCEPTED, CLAIMED

from ..database import Database, Snapshot
from .store import DELIVERY, MESSAGE, TABLES, Delivery
from .transactions import Key, Transaction


@dataclass
class CloudSnapshot(Snapshot):
    """The state of a member of the database that lacks the last commits."""

    tables: dict[str, dict[Hashable, Any]]
    update_position: int
    webhook_position: int


@dataclass(kw_only=True)
class CloudDatabase(Database):
    """See the module. reverted: messages whose state a failover has lost, and uncertain ones, which it sets back to claimed."""

    tables: dict[str, dict[Hashable, Any]] = field(default_factory=lambda: {name: {} for name in TABLES})
    locks: dict[Key, Transaction] = field(default_factory=dict)
    update_position: int = 0
    webhook_position: int = 0
    reverted: set[int] = field(default_factory=set)

    def table(self, name: str) -> dict[Any, Any]:
        """Return the committed rows of a table by their primary key."""
        return self.messages if name == MESSAGE else self.tables[name]

    def snapshot(self) -> CloudSnapshot:
        """Return the present state."""
        tables = {name: {key: copy.copy(row) for key, row in rows.items()} for name, rows in self.tables.items()}
        return CloudSnapshot(
            **vars(super().snapshot()),
            tables=tables,
            update_position=self.update_position,
            webhook_position=self.webhook_position,
        )

    def return_to(self, earlier: Snapshot) -> None:
        """Lose every commit since a snapshot."""
        assert isinstance(earlier, CloudSnapshot)
        for number, message in earlier.messages.items():
            present = self.messages.get(number)
            before, after = self.tables[DELIVERY].get(number), earlier.tables[DELIVERY].get(number)
            uncertain = before is not None and before.state == UNCERTAIN  # a later message may be on its way
            if uncertain or present is None or (present.status, before) != (message.status, after):
                self.reverted.add(number)
        self.tables = earlier.tables
        self.update_position, self.webhook_position = earlier.update_position, earlier.webhook_position
        super().return_to(earlier)
        self.abandon_waiting()

    def abandon_waiting(self) -> None:
        """Let an owner that has ended have claimed every message that waits, as a restore does: the upstream may have taken it since."""
        for message in self.messages.values():
            if message.status in (ACCEPTED, CLAIMED):
                message.status = CLAIMED
                new = Delivery(message.id, message.bucket, 0, IN_FLIGHT, 0, self.time())
                row = self.tables[DELIVERY].setdefault(message.id, new)
                row.epoch, row.state = 0, IN_FLIGHT
