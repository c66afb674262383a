"""Which coreapps are unhealthy, by the observations of the masters. No I/O, no clock of its own.

A coreapp is unhealthy when it does not report to the database, or when it answers neither the primary master nor a secondary one
(docs/reference/vendor-contract.md#high-availability, docs/adr/0004-failure-detector-two-observers.md). Moments are seconds on the master's
own monotonic clock and never leave it; masters exchange durations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

SILENT_IN_DATABASE = 120.0  # seconds


class Process(NamedTuple):
    """One process of a coreapp: a restarted one is another."""

    node: str
    incarnation: str


@dataclass(frozen=True)
class Coreapp:
    """Observations of one coreapp. Durations in seconds, each measured by its observer's own clock.

    silent: since its last report, by the database's clock. unanswered: since its last good answer to the primary master, or since that
    master began to watch it. unanswered_peers: the same for each secondary master that answered. answers: it has answered the primary.
    """

    node: str
    incarnation: str
    silent: float
    unanswered: float
    answers: bool
    unanswered_peers: tuple[float, ...] = ()


def unhealthy(coreapp: Coreapp, unhealthy_interval: float) -> bool:
    """Return whether a coreapp is unhealthy by either monitor."""
    to_primary = coreapp.unanswered >= unhealthy_interval
    to_a_secondary = any(unanswered >= unhealthy_interval for unanswered in coreapp.unanswered_peers)
    return (to_primary and to_a_secondary) or coreapp.silent > SILENT_IN_DATABASE


def ready(coreapp: Coreapp, heartbeat_interval: float, unhealthy_interval: float) -> bool:
    """Return whether a coreapp can take a shard now: it answered the primary master recently and is not unhealthy."""
    recently = coreapp.answers and coreapp.unanswered < 2 * heartbeat_interval + 1
    return recently and not unhealthy(coreapp, unhealthy_interval)


class FailureDetector:
    """Decides when a heartbeat is due, and turns answers and reports into observations of each coreapp."""

    def __init__(self) -> None:
        self.last_answer: dict[Process, float] = {}  # or, before the first answer, the moment since which it is watched
        self.answered_once: set[Process] = set()
        self.last_call: dict[Process, float] = {}

    def watch(self, processes: Iterable[Process], now: float) -> None:
        """Watch these processes and no others. A new one counts as unanswered from now on."""
        self.last_answer = {process: self.last_answer.get(process, now) for process in processes}
        self.last_call = {process: at for process, at in self.last_call.items() if process in self.last_answer}
        self.answered_once &= self.last_answer.keys()

    def due(self, now: float, heartbeat_interval: float) -> list[Process]:
        """Return the processes that must be called now, and record the calls. A new process is called at once."""
        due = [
            process
            for process in self.last_answer
            if process not in self.last_call or now >= self.last_call[process] + heartbeat_interval
        ]
        self.last_call.update(dict.fromkeys(due, now))
        return due

    def answered(self, process: Process, now: float) -> None:
        """Record that a process answered and can do its work. The answer of a process that is not watched is ignored."""
        if process in self.last_answer:
            self.last_answer[process] = now
            self.answered_once.add(process)

    def unanswered(self, now: float) -> dict[Process, float]:
        """Return for how many seconds each process has not answered."""
        return {process: now - at for process, at in self.last_answer.items()}

    def observe(
        self, silent: Mapping[Process, float], peers: Sequence[Mapping[Process, float]], now: float
    ) -> dict[str, Coreapp]:
        """Return what is known of each coreapp, by its name.

        silent: seconds since each process reported to the database. peers: the `unanswered` of each secondary master that answered.
        """
        own = self.unanswered(now)
        return {
            process.node: Coreapp(
                process.node,
                process.incarnation,
                seconds,
                own.get(process, 0.0),
                process in self.answered_once,
                tuple(peer.get(process, 0.0) for peer in peers),
            )
            for process, seconds in silent.items()
        }
