"""A simulated coreapp: the real control logic inside as thin a shell as possible of what the package `coreapp` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from waba_node.control.ownership import RENEWALS_PER_WINDOW, Grant, Ownership, fencing_window, patience
from waba_node.control.promotion import REPORT_INTERVAL

from .intake import DB, NOT_PRIMARY_COREAPP, Intake
from .outbox_sender import OutboxSender
from .process import Process, ignore
from .upstream import UP, Session

__all__ = ["DB", "NOT_PRIMARY_COREAPP", "Coreapp", "patience"]


class Coreapp(Process):
    """See the module."""

    def start(self) -> None:
        """Start as standby."""
        super().start()
        self.ownership = Ownership()
        self.connected: Grant | None = None
        self.sender: OutboxSender | None = None
        self.intake = Intake(self)
        self.renewing = False
        self.fences = 0  # which check of the deadline is the current one
        self.readings = 0  # which reading of the map is the current one
        self.every(self.report)
        self.read_map()

    def status(self) -> tuple[tuple[str, str], bool]:
        """Answer a heartbeat: which process this is, and whether it can do its work."""
        return (self.name, self.life), not self.ownership.draining and self.world.open(self, DB)

    def owns(self, bucket: int) -> bool:
        """Return whether it is connected for the shard of a bucket, and may be."""
        grant = self.connected
        return grant is not None and grant.serves(bucket) and self.may_send(grant)

    def may_send(self, grant: Grant) -> bool:
        """Return whether it may be connected for a grant."""
        return self.ownership.grant == grant and self.ownership.may_be_connected(self.clock())

    # -- the right to a shard --------------------------------------------------------------------------------------------

    def report(self) -> float:
        """Report to the database."""
        life, database = self.life, self.world.database

        def again() -> None:
            self.after(1.0, self.report)

        self.world.call(self, DB, lambda: database.report(self.name, life), failed=again)
        return REPORT_INTERVAL

    def read_map(self) -> None:
        """Find out whether the map names this process, while it owns nothing."""
        life, database = self.life, self.world.database
        self.readings += 1
        current = self.readings

        def found(grant: Grant | None) -> None:
            if self.ownership.grant is None and not self.renewing and grant is not None:
                self.renew(grant)
            else:
                again()

        def again() -> None:
            self.after(self.heartbeat, due)

        def due() -> None:
            if current == self.readings and self.ownership.grant is None and not self.renewing:
                self.read_map()

        if self.ownership.grant is None and not self.renewing:
            self.world.read(self, DB, lambda: database.owned(self.name, life), found, again)

    def read_map_now(self) -> None:
        """Take a notification that the map has changed."""
        if self.ownership.grant is None and not self.renewing:
            self.read_map()

    def renew(self, grant: Grant) -> None:
        """Renew a grant; connect when it was granted."""
        self.renewing, life, database = True, self.life, self.world.database
        window = fencing_window(self.unhealthy)
        delay = self.ownership.requested_delay(window)
        sent_at = 0.0

        def request() -> Callable[[], bool]:
            nonlocal sent_at
            sent_at, renewal = self.clock(), self.ownership.next_renewal()
            return lambda: database.renew(grant, self.name, life, renewal, delay)

        def answered(holds: bool) -> None:
            if not holds:
                self.ownership.refused(grant)
                if self.connected == grant:
                    self.disconnect("was refused")
                self.by_any_way(lambda: partial(database.release, grant, life))
            else:
                shortened = window < self.ownership.window
                self.ownership.renewed(grant, sent_at, window)
                if shortened:
                    self.fence()
                if self.connected is None and self.ownership.may_be_connected(self.clock()):
                    self.connect(grant)
                    return
            self.schedule_renewal()

        self.by_any_way(request, answered, self.schedule_renewal)

    def schedule_renewal(self) -> None:
        """Renew when that is due."""
        self.renewing, grant = False, self.ownership.grant
        if grant is None:
            self.read_map()
        elif self.ownership.renewal_due(self.clock()):
            self.renew(grant)
        else:
            self.after(self.ownership.window / RENEWALS_PER_WINDOW, self.schedule_renewal)

    def by_any_way(
        self,
        request: Callable[[], Callable[[], Any]],
        answered: Callable[[Any], object] = ignore,
        failed: Callable[[], object] = ignore,
    ) -> None:
        """Ask the database or, when it does not answer, by way of a master. request: makes each request."""
        seconds = patience(self.unhealthy)

        def by_a_master() -> None:
            master = self.world.random.choice(self.world.masters)
            self.world.call(self, (master.name, "db"), request(), answered, failed, seconds)

        self.world.call(self, DB, request(), answered, by_a_master, seconds)

    def fence(self) -> None:
        """Disconnect when the right to be connected has ended. Call it when a right begins or is shortened."""
        self.fences += 1
        current = self.fences

        def check() -> None:
            if self.connected is None or current != self.fences:
                return
            if self.ownership.may_be_connected(self.clock()):
                pause = max(0.0, self.ownership.deadline() - self.clock())
                self.after(pause + 0.05 * self.world.random.random(), check)
            else:
                self.ownership.lost()
                self.disconnect("could not renew")

        check()

    def stop(self, done: Callable[[], None]) -> None:
        """Hand the shard over."""
        grant, life, database = self.ownership.grant, self.life, self.world.database
        self.ownership.draining = True
        if self.connected is not None:
            self.disconnect("hands over")
        self.by_any_way(lambda: partial(database.leave, self.name, life, grant))
        done()

    # -- the connection --------------------------------------------------------------------------------------------------

    def connect(self, grant: Grant) -> None:
        """Connect for a grant, unless the right to it ends before the upstream has answered."""

        def answered(session: Session | None) -> None:
            if session is None:
                self.ownership.lost()
            elif self.may_send(grant):
                self.connected, self.sender = grant, OutboxSender(self, session, grant)
                self.world.record_connected(self, grant)
                self.sender.send()
                self.fence()
            else:
                session.open = False
            self.schedule_renewal()

        def failed() -> None:
            self.ownership.lost()
            self.schedule_renewal()

        seconds = self.ownership.deadline() - self.clock()
        self.world.call(self, (UP,), lambda: self.world.upstream.connect(self, grant), answered, failed, seconds)

    def disconnect(self, reason: str) -> None:
        """End the connection."""
        self.world.note("%s %s and disconnects", self.name, reason)
        self.world.record_disconnected(self)
        self.cut_session()

    def cut_session(self) -> None:
        """End the session without a record of it."""
        if self.sender is not None:
            self.sender.session.open = False
        self.connected = self.sender = None

    # -- messages --------------------------------------------------------------------------------------------------------

    def send_now(self) -> None:
        """Send what was stored."""
        if self.sender is not None:
            self.sender.send()

    def begin_at_the_oldest(self) -> None:
        """Let the sender search for messages that were stored earlier than it knows."""
        if self.sender is not None:
            self.sender.begin_at_the_oldest()
