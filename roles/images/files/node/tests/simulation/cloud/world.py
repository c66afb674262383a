"""One cluster with the Cloud API as its upstream, and what must be true of it."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from unittest import mock

from waba_node.config import CloudConfig
from waba_node.coreapp import claimed_sender, claiming, connection, event_receiver, update_processor
from waba_node.coreapp.status_events import FAILED, PROGRESS
from waba_node.store import engine
from waba_node.store.deliveries import IN_FLIGHT, UNCERTAIN
from waba_node.store.outbox import ACCEPTED, CLAIMED
from waba_node.store.updates import digest_of
from waba_node.upstream.cloud.service import CloudService
from waba_node.upstream.cloud.translation.webhooks import parse_correlation_id
from waba_node.webapp import cloud_updates

from ..database import Message
from ..faults import CLOCK_JUMP
from ..process import Process
from ..traffic import Traffic
from ..world import World
from . import store, virtual_time
from .coreapp import CloudCoreapp, NoDelivery
from .database import CloudDatabase
from .store import DELIVERY, INBOUND_MESSAGE, MESSAGE, RECEIVED_UPDATE, UPSTREAM_MESSAGE, WEBHOOK
from .transactions import Transaction
from .upstream import GRACE, CloudUpstream, Update
from .webapp import CloudWebapp

RATES = (8, 40)  # messages per second of the number
REPLACED = (
    *((module, name, store) for module, names in (
        (claimed_sender, ("contacts", "deliveries", "outbox")),
        (claiming, ("ownership",)),
        (event_receiver, ("contacts", "inbox", "media", "outbox", "webhook_queue")),
        (update_processor, ("contacts", "deliveries", "updates")),
        (cloud_updates, ("deliveries", "updates")),
    ) for name in names),
    (connection, "WebhookDelivery", NoDelivery),
    (claimed_sender, "time", virtual_time),
    (engine, "time", virtual_time),
)  # fmt: skip


@contextlib.contextmanager
def node_in_simulation() -> Iterator[None]:
    """Let the node's modules use the simulated tables and the virtual time, and log nothing."""
    with contextlib.ExitStack() as stack:
        for module, name, replacement in REPLACED:
            stack.enter_context(mock.patch.object(module, name, replacement))
        logging.disable()
        stack.callback(logging.disable, logging.NOTSET)
        gc.disable()  # a quarter of the time
        stack.callback(gc.enable)
        yield


class CloudTraffic(Traffic):
    """Every accepted message is taken by the upstream, or fails. An uncertain one may be overtaken."""

    world: CloudWorld

    def message(self, number: int) -> Message:
        """Return a message that was submitted."""
        return self.submitted[number]

    def accept(self, message: Message, before: int | None) -> None:
        """Record a success. A message may have failed before its client gets the answer."""
        super().accept(message, before)
        stored = self.world.database.table(MESSAGE).get(message.id)
        if stored is not None and stored.status == FAILED:
            self.missing.pop(message.id, None)

    def arrived(self, message: Message) -> None:
        """Record that the upstream has taken a message."""
        self.missing.pop(message.id, None)
        before = self.after.get(message.id)
        if before in self.missing and not self.world.may_be_overtaken(before):
            self.world.fail(f"message {message.id} to {message.recipient} overtook {before}, which was accepted before")


class CloudWorld(World):
    """See the module. Every method that lets time pass raises Violation. Use it within `node_in_simulation`."""

    upstream: CloudUpstream
    database: CloudDatabase
    upstream_kind, coreapp_kind, webapp_kind, traffic_kind, database_kind = (
        CloudUpstream,
        CloudCoreapp,
        CloudWebapp,
        CloudTraffic,
        CloudDatabase,
    )
    # After the last fault an uncertain message waits for the grace period, and the database's clock may have gone back.
    arrival = World.arrival + GRACE + 2 * CLOCK_JUMP

    def __init__(self, seed: int, *arguments: Any, resend: bool = False, rate: int = RATES[-1], **options: Any) -> None:
        """resend, rate: the policy."""
        uncertain = "resend" if resend else "fail"
        self.config = CloudConfig("1", "2", "token", ("secret",), "verify", rate=rate, uncertain=uncertain, grace=GRACE)
        self.service = CloudService(self.config, None)
        self.failed: BaseException | None = None  # in the code of a node, which may have caught it
        self.resends: Counter[int] = Counter()  # message -> decisions to send it again
        self.losses = 0
        self.reported: Counter[tuple[str, str]] = Counter()  # (id, status) of the webhooks in the queue
        self.arrivals: dict[str, tuple[int, float]] = {}  # digest of an update -> position, moment of the commit
        self.queued: defaultdict[str, list[tuple[int, float]]] = defaultdict(
            list
        )  # user -> arrivals of queued messages
        self.stored: dict[str, int] = {}  # digest of an update that was committed -> losses of commits until then
        self.queries: dict[str, float] = {}  # process -> its last query of updates
        self.unprocessed: dict[str, set[str]] = {}  # process -> uncertain messages with unprocessed updates
        super().__init__(seed, *arguments, **options)
        if self.traffic.pause:
            self.upstream.begin()

    def close(self) -> None:
        """End every process."""
        for process in self.processes.values():
            process.lives += 1
            process.end()

    def fail(self, problem: str) -> None:
        """Raise Violation."""
        try:
            super().fail(problem)
        except BaseException as violation:
            self.failed = self.failed or violation
            raise

    # -- messages ------------------------------------------------------------------------------------------------------

    def waits(self, number: int) -> bool:
        """Return whether an accepted message has no outcome yet."""
        message = self.database.messages.get(number)
        return message is not None and message.status in (ACCEPTED, CLAIMED)

    def may_be_overtaken(self, number: int) -> bool:
        """Return whether a message that has not arrived may arrive later than those that were accepted after it."""
        delivery = self.database.table(DELIVERY).get(number)
        uncertain = delivery is not None and (delivery.state == UNCERTAIN or delivery.attempts > 0)
        return uncertain or number in self.database.reverted or number not in self.database.messages

    def check_taken(self, number: int) -> None:
        """Check how often the upstream has taken a message."""
        stored_again = (
            self.losses if number in self.database.lost else 0
        )  # by the client's webapp, which repeats its request
        allowed = 1 + self.resends[number] + stored_again
        if self.upstream.received[number] > allowed:
            self.fail(f"message {number} was sent {self.upstream.received[number]} times")

    # -- transactions --------------------------------------------------------------------------------------------------

    def check_commit(self, transaction: Transaction) -> None:
        """Check what a transaction is about to commit."""
        webhooks = [row.payload for (table, _key), row in transaction.written.items() if table == WEBHOOK]
        failures = {
            status["id"]: status for one in webhooks for status in one.get("statuses", ()) if status["status"] == FAILED
        }
        for (table, key), row in transaction.written.items():
            before = self.database.table(table).get(key)
            if table == MESSAGE and before is not None and before.status != row.status:
                self.check_status(transaction, before, row, failures.get(str(row.id)))
            elif (
                table == DELIVERY and row is not None and before is not None and row.state != before.state == IN_FLIGHT
            ):
                self.uncertain += row.state == UNCERTAIN
            elif table == DELIVERY and row is not None and before is not None and row.attempts > before.attempts:
                self.resends[row.message_id] += 1
                if not self.service.policy.resend or before.state != UNCERTAIN:
                    self.fail(f"message {row.message_id} is sent again")
            elif table == RECEIVED_UPDATE and before is None and row is not None:
                row.stored = self.now
                self.stored[row.digest] = self.losses
                self.arrivals.setdefault(row.digest, (row.position, self.now))
        for webhook in webhooks:
            self.check_webhook(webhook)

    def check_status(
        self, transaction: Transaction, before: Message, message: Message, failure: dict[str, Any] | None
    ) -> None:
        """Check the new status of a message. failure: the webhook of a failure."""
        if before.status == FAILED:
            self.fail(f"message {message.id} has failed and is {message.status} now")
        if message.status != FAILED:
            return
        self.note("message %d fails: %s", message.id, failure and failure["errors"])
        if failure is None or not failure["errors"]:
            self.fail(f"message {message.id} fails and the client is not notified")
        self.traffic.missing.pop(message.id, None)
        delivery = self.database.table(DELIVERY).get(message.id)
        if failure is not None and failure["errors"] == claimed_sender.MAYBE_SENT["errors"]:
            if delivery is None or delivery.state != UNCERTAIN:
                self.fail(f"message {message.id} is reported as uncertain and is not")
            if str(message.id) in self.unprocessed.get(transaction.process.name, ()):
                self.fail(f"message {message.id} is reported as uncertain and a status of it waits")
        possible = [
            name
            for name in self.upstream.wamids[message.id]
            if (row := transaction.find(UPSTREAM_MESSAGE, name)) is not None and not row.failed
        ]
        if possible:
            self.fail(f"message {message.id} fails and the upstream has accepted it as {possible}")

    def check_webhook(self, webhook: dict[str, Any]) -> None:
        """Check a webhook that is about to be queued."""
        for one in (*webhook.get("statuses", ()), *webhook.get("messages", ())):
            key = (one["id"], one.get("status", ""))
            self.reported[key] += 1
            if self.reported[key] > 1:
                self.fail(f"the client is notified twice: {key}")
        for message in webhook.get("messages", ()):
            position, committed = self.arrivals.get(digest_of("message", message["id"]), (0, 0.0))
            if any(position < other and committed <= moment for other, moment in self.queued[message["from"]]):
                self.fail(f"the message {message['id']} of {message['from']} comes after a later one")
            self.queued[message["from"]].append((position, committed))

    def record_query_of_updates(self, process: Process) -> None:
        """Record that a process reads the updates."""
        self.queries[process.name] = self.now

    def check_caught_up(self, process: Process, overdue: list[str]) -> None:
        """Record which of the messages that a process is about to fail, or to send again, have updates that it should have processed before."""
        waiting = set()
        for row in self.database.table(RECEIVED_UPDATE).values() if overdue else ():
            if row.stored < self.queries.get(process.name, 0.0):
                correlation = parse_correlation_id(json.loads(row.content)["callback_data"])
                waiting.add(correlation and correlation[1])
        self.unprocessed[process.name] = waiting & set(overdue)

    # -- updates -------------------------------------------------------------------------------------------------------

    def record_accepted_update(self, update: Update) -> None:
        """Record that an update was answered with a 2xx."""
        if update.digest not in self.stored:
            self.fail(f"the update {update.name} was answered with a 2xx and is not in the database")
        update.accepted = self.stored[update.digest] == self.losses

    def forget_lost(self) -> None:
        """Take the loss of commits: statuses and updates of that time may be lost."""
        self.losses += 1
        for update in self.upstream.updates.values():
            update.accepted = False
        webhooks = [row.payload for row in self.database.table(WEBHOOK).values()]
        queued = [one for webhook in webhooks for one in (*webhook.get("statuses", ()), *webhook.get("messages", ()))]
        self.reported = Counter((one["id"], one.get("status", "")) for one in queued)
        self.queued.clear()
        received = self.database.table(RECEIVED_UPDATE)
        self.arrivals = {digest: (row.position, row.stored) for digest, row in received.items()}

    def decidable(self) -> set[str]:
        """Return the updates that wait, by digest, without the statuses of which it is unknown whether they are the cluster's."""
        rows = self.database.table(RECEIVED_UPDATE).values()
        return {row.digest for row in rows if row.kind == "message" or json.loads(row.content)["callback_data"]}

    def check_end(self) -> None:
        """Check the outcomes of all messages and updates."""
        waiting = self.decidable()
        if self.run_until(lambda: not waiting & self.decidable(), self.arrival) is None:
            self.fail("updates were not processed")
        for update in self.upstream.updates.values():
            if not update.accepted or update.digest in self.database.table(RECEIVED_UPDATE):
                continue
            if not update.status:
                if self.reported[update.name, ""] != 1 or update.name not in self.database.table(INBOUND_MESSAGE):
                    self.fail(f"the message {update.name} was answered with a 2xx and is not in the client's queue")
            elif update.correlated:
                self.check_outcome(update)
        for number, message in self.database.messages.items():
            if message.status == FAILED and not self.reported[str(number), FAILED]:
                self.fail(f"message {number} has failed and the client is not notified")

    def check_outcome(self, update: Update) -> None:
        """Check that a message has at least the status of an update that was processed."""
        message = self.database.messages.get(update.message or 0)
        if message is None or message.status == FAILED:
            return
        if update.status == FAILED:
            known = self.database.table(UPSTREAM_MESSAGE).values()
            possible = any(row.message_id == message.id and not row.failed for row in known)
            if not possible and PROGRESS[message.status] < PROGRESS["delivered"] and not self.waits(message.id):
                self.fail(f"message {message.id} has failed at the upstream and is {message.status}")
        elif PROGRESS[message.status] < PROGRESS[update.status]:
            self.fail(f"message {message.id} is {update.status} at the upstream and {message.status} here")
