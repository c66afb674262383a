"""A simulated coreapp: the real control logic, and around it, as thinly as possible, what coreapp/process.py, intake.py and outbox_sender.py do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from waba_node.control.ownership import RENEWALS_PER_WINDOW, Grant, Ownership, fencing_window, patience
from waba_node.control.promotion import REPORT_INTERVAL

from .database import Message
from .process import Later, Process, nothing
from .upstream import UP, Session

DB = ("db",)
POLL = 2.0  # seconds
GROUP = 20  # messages
READ_TIMEOUT = 10.0  # seconds
NOT_PRIMARY_COREAPP, DATABASE_ERROR = 1018, 1023


class Coreapp(Process):
    """See the module."""

    def born(self) -> None:
        super().born()
        self.ownership, self.connected = Ownership(), None
        self.session: Session | None = None
        self.renewing = self.fencing = False
        self.waiting: list[tuple[Message, bool, Later]] = []
        self.storing = False
        self.looks = 0  # which look at the map, or at the messages, is the current one
        self.every(self.report)
        self.look_at_the_map()

    def status(self) -> tuple[tuple[str, str], bool]:
        """Answer a heartbeat: who it is, and whether it can do its work."""
        return (self.name, self.life), not self.ownership.draining and self.world.open(self, DB)

    def owns(self, bucket: int) -> bool:
        """Return whether it is connected for the shard of a bucket, and may be."""
        grant = self.connected
        return grant is not None and grant.serves(bucket) and self.may_send(grant)

    def may_send(self, grant: Grant) -> bool:
        return self.ownership.grant == grant and self.ownership.may_be_connected(self.clock())

    # -- the right to a shard --------------------------------------------------------------------------------------------

    def report(self) -> float:
        life, database = self.life, self.world.database
        again = partial(self.after, 1.0, self.report)
        self.world.call(self, DB, lambda: database.report(self.name, life), failed=again)
        return REPORT_INTERVAL

    def look_at_the_map(self) -> None:
        """Look whether the map names this process, while it owns nothing."""
        life, database = self.life, self.world.database
        self.looks += 1
        current = self.looks

        def found(grant: Grant | None) -> None:
            if self.ownership.grant is None and not self.renewing and grant is not None:
                self.renew(grant)
            else:
                again()

        def again() -> None:
            self.after(self.heartbeat, due)

        def due() -> None:
            if current == self.looks and self.ownership.grant is None and not self.renewing:
                self.look_at_the_map()

        if self.ownership.grant is None and not self.renewing:
            self.world.look(self, DB, lambda: database.owned(self.name, life), found, again)

    def look_now(self) -> None:
        """Take the hint that the map has changed."""
        if self.ownership.grant is None and not self.renewing:
            self.look_at_the_map()

    def renew(self, grant: Grant) -> None:
        sent_at, life, self.renewing = self.clock(), self.life, True
        database, window = self.world.database, fencing_window(self.unhealthy)
        renewal, delay = self.ownership.next_renewal(), self.ownership.requested_delay(window)

        def answered(holds: bool) -> None:
            if not holds:
                self.ownership.refused(grant)
                if self.connected == grant:
                    self.disconnect("was refused")
                self.by_any_way(lambda: database.release(grant, life))
            else:
                self.ownership.renewed(grant, sent_at, window)
                if self.connected is None and self.ownership.may_be_connected(self.clock()):
                    self.connect(grant)
                    return
            self.next_renewal()

        self.by_any_way(lambda: database.renew(grant, self.name, life, renewal, delay), answered, self.next_renewal)

    def next_renewal(self) -> None:
        self.renewing, grant = False, self.ownership.grant
        if grant is None:
            self.look_at_the_map()
        elif self.ownership.renewal_due(self.clock()):
            self.renew(grant)
        else:
            self.after(self.ownership.window / RENEWALS_PER_WINDOW, self.next_renewal)

    def by_any_way(self, ask: Callable, answered: Callable = nothing, failed: Callable = nothing) -> None:
        """Ask the database or, when that does not answer, by way of the masters."""
        seconds = patience(self.unhealthy)

        def by_a_master() -> None:
            master = self.world.random.choice(self.world.masters)
            self.world.call(self, (master.name, "db"), ask, answered, failed, seconds)

        self.world.call(self, DB, ask, answered, by_a_master, seconds)

    def fence(self) -> None:
        """Disconnect when the right to be connected has ended."""
        if self.connected is None:
            self.fencing = False
        elif not self.ownership.may_be_connected(self.clock()):
            self.fencing = False
            self.ownership.lost()
            self.disconnect("had no renewal")
        else:
            pause = max(0.0, self.ownership.deadline() - self.clock())
            self.after(pause + 0.05 * self.world.random.random(), self.fence)

    def stop(self) -> None:
        grant, life, database = self.ownership.grant, self.life, self.world.database
        self.ownership.draining = True
        if self.connected is not None:
            self.disconnect("hands over")
        self.by_any_way(lambda: database.leave(self.name, life, grant))

    # -- the connection --------------------------------------------------------------------------------------------------

    def connect(self, grant: Grant) -> None:
        """Connect for a grant, unless the right to it ends before the upstream has answered."""

        def answered(session: Session | None) -> None:
            if session is None:
                self.ownership.lost()
            elif self.may_send(grant):
                self.connected, self.session = grant, session
                self.world.connected(self, grant)
                self.begin_sending()
                if not self.fencing:
                    self.fencing = True
                    self.fence()
            else:
                session.open = False
            self.next_renewal()

        def failed() -> None:
            self.ownership.lost()
            self.next_renewal()

        seconds = self.ownership.deadline() - self.clock()
        self.world.call(self, (UP,), lambda: self.world.upstream.connect(self, grant), answered, failed, seconds)

    def disconnect(self, why: str) -> None:
        self.world.note("%s %s and disconnects", self.name, why)
        self.world.disconnected(self)
        self.connected, self.session.open, self.session = None, False, None

    # -- messages --------------------------------------------------------------------------------------------------------

    def accept(self, message: Message, again: bool) -> Later | int:
        """Take a message from a webapp, perhaps again; answered once it is stored."""
        if not self.owns(message.bucket):
            return NOT_PRIMARY_COREAPP
        later = Later()
        self.waiting.append((message, again, later))
        if not self.storing:
            self.store()
        return later

    def store(self) -> None:
        group, self.waiting = self.waiting, []
        self.storing, database = True, self.world.database
        messages = [message for message, _again, _later in group]

        def ask() -> Later:
            stored = Later()
            database.store(messages, lambda done: stored.answer(None if done else DATABASE_ERROR))
            return stored

        def answered(code: int | None) -> None:
            for message, again, later in group:
                if code is None and again:
                    self.begin_at_the_oldest()
                later.answer(code or self.after_storing(message))
            self.storing = False
            if code is None:
                self.send_now()
            if self.waiting:
                self.store()

        self.world.call(self, DB, ask, answered, lambda: answered(DATABASE_ERROR), READ_TIMEOUT)

    def after_storing(self, message: Message) -> int | None:
        """Return why a message that is stored is refused all the same, or None."""
        return None if self.owns(message.bucket) else NOT_PRIMARY_COREAPP

    def begin_sending(self) -> None:
        self.unconfirmed: set[int] = set()
        self.to_confirm: list[int] = []
        self.confirming, self.sending = False, 0
        self.begin_at_the_oldest()
        self.send(self.session)

    def send_now(self) -> None:
        if self.session is not None:
            self.send(self.session)

    def send(self, session: Session) -> None:
        """Send what waits, from the oldest; now and then a look begins at the oldest again."""
        if self.session is not session:
            return
        if not session.open:
            self.disconnect("was hung up on")
            return
        self.sending += 1
        if self.clock() >= self.began + POLL:
            self.begin_at_the_oldest()
        current, grant, database, after = self.sending, self.connected, self.world.database, self.sent_to

        def found(messages: list[Message]) -> None:
            if self.session is not session or current != self.sending:
                return
            for message in messages:
                if not self.may_send(grant):
                    break
                if message.id not in self.unconfirmed:
                    self.unconfirmed.add(message.id)
                    session.send(message)
                self.sent_to = message.position
            if len(messages) == GROUP:
                self.send(session)
            else:
                self.after(POLL, poll)

        def poll() -> None:
            if self.session is session and current == self.sending:
                self.send(session)

        self.world.look(
            self, DB, lambda: database.unsent(grant, after, GROUP), found, lambda: self.after(1.0, poll), READ_TIMEOUT
        )

    def begin_at_the_oldest(self) -> None:
        self.sent_to, self.began = 0, self.clock()

    def confirmed(self, session: Session, number: int) -> None:
        """Hear from the upstream that it has a message."""
        lives = self.lives

        def hear() -> None:
            if self.session is session and self.lives == lives:
                self.to_confirm.append(number)
                if not self.confirming:
                    self.confirm(session)

        if self.frozen:
            self.backlog.append(hear)
        elif self.session is session:
            hear()

    def confirm(self, session: Session) -> None:
        group, self.to_confirm, self.confirming = self.to_confirm, [], True
        database = self.world.database

        def answered(_answer: object) -> None:
            if self.session is session:
                self.confirming = False
                self.unconfirmed.difference_update(group)
                if self.to_confirm:
                    self.confirm(session)

        def failed() -> None:
            if self.session is session:
                self.to_confirm = group + self.to_confirm
                self.after(1.0, lambda: self.session is session and self.confirm(session))

        self.world.call(self, DB, lambda: database.confirm(group), answered, failed, READ_TIMEOUT)
