"""Which member of a database cluster accepts writes, as its guard decides it: docs/adr/0027-three-database-members.md.

A row in the cluster names the writer. Every guard decides by what it reads from its own server, and replaces the writer with an UPDATE of the
row that it has read; where two do that, the cluster commits one. Safety does not depend on these rules: two members that accept writes at the
same time are as safe as one, since transactions write what they rely on. Speed and the order of messages depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

PRECEDENCE = 1.0  # seconds by which each member that is first by name is waited for
SILENCE = 3.0  # seconds for which a writer that is a member may fail to serve, before it is replaced

SYNCED = "Synced"
SERVING = (SYNCED, "Donor/Desynced")  # a donor commits like the others; a reader must not lag behind


class Incarnation(NamedTuple):
    """A member since its last start: a server that has restarted is another incarnation."""

    name: str
    id: str


@dataclass(frozen=True)
class Observation:
    """The observation of a guard: of its own server, and of the other guards.

    members: in the server's view of the group, without an arbitrator. writer, epoch: of the row. writer_serves: whether the writer's guard answers
    so. others_answer: whether the guard of a member other than the writer and this one answers, or an arbitrator votes. outdated: another member
    has a later view of the group. A server that was frozen may believe for some seconds that it is a member of a group that has excluded it.
    """

    own: Incarnation
    primary: bool
    state: str
    members: frozenset[Incarnation]
    writer: Incarnation
    epoch: int
    read_only: bool
    writer_serves: bool = True
    others_answer: bool = False
    outdated: bool = False

    @property
    def belongs(self) -> bool:
        """Whether the server is a member of the group that has the majority."""
        return self.primary and not self.outdated

    @property
    def can_write(self) -> bool:
        """Whether the server could be the writer."""
        return self.belongs and self.state in SERVING

    @property
    def is_writer(self) -> bool:
        """Whether the server accepts writes, and is the one to do so."""
        return self.can_write and self.writer == self.own and not self.read_only

    @property
    def is_reader(self) -> bool:
        """Whether the server has applied what the writer has committed, apart from what is on its way."""
        return self.belongs and self.state == SYNCED and self.writer != self.own


class Decision(NamedTuple):
    """read_only: what the server must be set to. claim: replace the observed writer by this member."""

    read_only: bool
    claim: bool


@dataclass
class WriterRules:
    """The decisions of one guard. since: when it first saw what it sees now of a writer that is absent, and of one that does not serve."""

    since: dict[tuple[str, int], float] = field(default_factory=dict)

    def decide(self, seen: Observation, now: float) -> Decision:
        """Decide after an observation at `now`, in seconds of this guard's monotonic clock."""
        if not seen.can_write or seen.writer == seen.own:
            self.since.clear()
            return Decision(read_only=not seen.can_write, claim=False)
        names = sorted(member.name for member in seen.members)
        if seen.writer not in seen.members:
            claim = self._lasts("absent", seen.epoch, now, PRECEDENCE * names.index(seen.own.name))
        elif not seen.writer_serves and seen.others_answer:
            names.remove(seen.writer.name)
            claim = self._lasts("silent", seen.epoch, now, SILENCE + PRECEDENCE * names.index(seen.own.name))
        else:
            self.since.clear()
            claim = False
        return Decision(read_only=True, claim=claim)

    def _lasts(self, what: str, epoch: int, now: float, seconds: float) -> bool:
        """Return whether a problem with the writer of an epoch has been seen for a time."""
        self.since = {(what, epoch): self.since.get((what, epoch), now)}
        return now - self.since[what, epoch] >= seconds
