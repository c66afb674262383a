# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs of the collection against simulated members: hosts crash, stop and vanish, and runs are killed between any two steps."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.database import bootstrap

HOSTS = ("db1", "db2", "db3")
TWO, ARBITRATOR = ("db1", "db2"), "vote"
ROUNDS = 12  # roles/mysql repeats as often
SCHEDULES = 1500
EVENTS = 25


class SplitBrain(AssertionError):
    """Two clusters of one database accept commits."""


@dataclass
class Host:
    """The volume and the server of one host. view: the members of the last view, which a crash leaves and an orderly stop removes.

    An arbitrator has a view, and no data.
    """

    name: str
    reachable: bool = True  # for Ansible; the members reach each other
    runs: bool = False
    initialised: bool = False
    member: bool = False
    uuid: str = bootstrap.NO_UUID
    seqno: int = -1
    clean: bool = False
    safe: bool = False
    view: frozenset[str] = frozenset()
    file: tuple[str, int] | None = None  # the permission to begin a cluster


@dataclass
class Database:
    """The members and their one history. acknowledged: the highest commit that was acknowledged to a client. arbitrator: votes with them, "" for none."""

    names: tuple[str, ...] = HOSTS
    arbitrator: str = ""
    hosts: dict[str, Host] = field(init=False)
    component: frozenset[str] = frozenset()  # the members of the Primary component
    uuid: str = ""
    ordered: int = 0
    acknowledged: int = 0
    clusters: int = 0

    def __post_init__(self) -> None:
        self.hosts = {name: Host(name) for name in self.every_name}

    @property
    def every_name(self) -> tuple[str, ...]:
        return (*self.names, self.arbitrator) if self.arbitrator else self.names

    @property
    def data(self) -> list[str]:
        """The members of the Primary component that have data."""
        return sorted(self.component - {self.arbitrator})

    def facts(self, name: str) -> dict[str, Any] | None:
        """Return the observation of a host."""
        host = self.hosts[name]
        if not host.reachable:
            return None
        if name == self.arbitrator:
            return {"running": host.runs}
        if host.runs:
            if name in self.component:
                status = {"status": "Primary", "state": "Synced"}
                return {"running": True, "member": True, "uuid": host.uuid, "seqno": host.seqno, **status}
            single = self._is_single(host)
            return {
                "running": True,
                "initialised": single,
                "member": host.member,
                "status": "" if single else "non-Primary",
            }
        return {
            "running": False,
            "initialised": host.initialised,
            "member": host.member,
            "uuid": host.uuid,
            "seqno": host.seqno,
            "clean": host.clean,
            "safe_to_bootstrap": host.safe,
            "bootstrap": {"uuid": host.file[0], "seqno": host.file[1]} if host.file else None,
        }

    def start(self, name: str, as_member: bool = True) -> None:
        """Start a server, as its entry point does. as_member: False for the container of a single server."""
        host = self.hosts[name]
        if host.runs and (host.member or not as_member):
            return
        host.runs = True
        if not as_member:
            host.initialised = True
            return
        if name == self.arbitrator:
            if self.data:
                self._vote(host)
            else:
                self._restore_view()
            return
        if host.file:
            position, host.file = host.file, None
            if self.data:  # the entry point asks the other members first
                self._join(host)
            elif position == (host.uuid, host.seqno):
                self._begin(host)
            else:
                host.runs = False
            return
        if self._is_single(host):
            host.runs = False  # a join would delete the data of a single server
        elif self.data:
            self._join(host)
        elif not self.component:  # no member can join an arbitrator that all have left
            self._restore_view()

    def start_arbitrator(self) -> None:
        """Start the arbitrator, as a run does once the members are up."""
        if self.arbitrator and self.hosts[self.arbitrator].reachable:
            self.start(self.arbitrator)

    def stop(self, name: str) -> None:
        """Stop a server in order: the others need no quorum with it."""
        host = self.hosts[name]
        if not host.runs:
            return
        host.runs, host.clean, host.view = False, True, frozenset()
        if name in self.component:
            if name != self.arbitrator:
                self._apply(name)
            self.component -= {name}
            host.safe = not self.component
            self._save_views()

    def crash(self, *names: str) -> None:
        """Kill servers at the same time: the survivors go on if they are a majority of the last view."""
        dead = {name for name in names if self.hosts[name].runs}
        for name in dead:
            self.hosts[name].runs = False
            self.hosts[name].clean = self.hosts[name].safe = False
        left = self.component - dead
        if left != self.component:
            self.component = left if len(left) * 2 > len(self.component) else frozenset()
            for name in self.data:
                self._apply(name)
            self._save_views()

    def commit(self, choice: random.Random) -> None:
        """Order one commit; a random part of the members applies it. It is acknowledged once a second member has."""
        if not self.data:
            return
        self.ordered += 1
        for name in self.data:
            if choice.random() < 0.6:
                self._apply(name)
        applied = sum(self.hosts[name].seqno == self.ordered for name in self.data)
        if applied >= min(2, len(self.data)):
            self.acknowledged = self.ordered

    def _apply(self, name: str) -> None:
        self.hosts[name].seqno = self.ordered

    def _begin(self, host: Host) -> None:
        if self.component:
            raise SplitBrain(f"{host.name} begins beside {sorted(self.component)}")
        if host.uuid == bootstrap.NO_UUID:
            self.clusters += 1
            host.uuid, host.seqno, self.ordered = f"cluster-{self.clusters}", 0, 0
        host.initialised = host.member = True
        self.ordered, self.uuid, self.component = host.seqno, host.uuid, frozenset({host.name})
        host.clean = host.safe = False
        self._save_views()
        self._admit()

    def _admit(self) -> None:
        """Members that wait join the Primary component, and the arbitrator votes in it."""
        for host in self.hosts.values():
            if host.name == self.arbitrator:
                if self.data and host.runs and host.name not in self.component:
                    self._vote(host)
            elif self.data and host.runs and host.name not in self.component and not self._is_single(host):
                self._join(host)

    @staticmethod
    def _is_single(host: Host) -> bool:
        return host.initialised and not host.member

    def _join(self, host: Host) -> None:
        assert not self._is_single(host), "the data of a single server was deleted"
        assert host.uuid in (self.uuid, bootstrap.NO_UUID), "the data of another cluster was deleted"
        host.initialised = host.member = True
        host.uuid, host.seqno, host.clean, host.safe = self.uuid, self.ordered, False, False
        self.component |= {host.name}
        self._save_views()

    def _vote(self, host: Host) -> None:
        self.component |= {host.name}
        self._save_views()

    def _save_views(self) -> None:
        for name in sorted(self.component):
            self.hosts[name].view = self.component
            self.hosts[name].safe = False

    def _restore_view(self) -> None:
        """Members of one last view form it again once all of them run."""
        for host in self.hosts.values():
            view = host.view
            if host.runs and view and all(self.hosts[name].runs and self.hosts[name].view == view for name in view):
                members = [self.hosts[name] for name in view - {self.arbitrator}]
                if not members:
                    continue
                self.uuid, self.ordered = members[0].uuid, max(one.seqno for one in members)
                self.component = view
                for one in members:
                    self._apply(one.name)
        self._admit()


class Killed(Exception):
    """The run ends between two steps."""


def run(database: Database, choice: random.Random | None = None) -> bootstrap.Decision:
    """Repeat observation, decision and steps as roles/mysql does; return the last decision. choice: kills the run at a random point."""
    waited = False
    stopped: set[str] = set()
    decision = bootstrap.Decision()

    def boundary() -> None:
        if choice and choice.random() < 0.15:
            raise Killed

    for _round in range(ROUNDS):
        observed = {name: database.facts(name) for name in database.every_name}
        decision = bootstrap.decide(observed, database.names, waited=waited, arbitrator=database.arbitrator)
        if decision.problems:
            for name in stopped:
                database.start(name)
            return decision
        if not decision.steps:
            database.start_arbitrator()
            return decision
        for step in decision.steps:
            boundary()
            host = database.hosts[step.host]
            if step.action == bootstrap.WITHDRAW:
                host.file = None
            elif step.action == bootstrap.STOP:
                stopped.add(step.host)
                database.stop(step.host)
            elif step.action == bootstrap.BOOTSTRAP:
                host.file = (step.uuid, step.seqno)
                boundary()
                if host.runs:  # the container of a single server is replaced
                    host.runs = False
                database.start(step.host)
            else:
                database.start(step.host)
                waited = waited or step.action == bootstrap.START
    return decision


def fault(database: Database, choice: random.Random) -> None:
    kind = choice.choice(("crash", "crash", "power", "stop", "start", "vanish", "return", "commit", "commit", "reboot"))
    name = choice.choice(database.every_name)
    if kind == "crash":
        database.crash(name)
    elif kind == "power":
        database.crash(*database.every_name)
    elif kind == "stop":
        database.stop(name)
    elif kind in ("start", "reboot"):
        if kind == "reboot":
            database.crash(name)
        if database.hosts[name].member or database.hosts[name].file or name == database.arbitrator:
            database.start(name)
    elif kind == "vanish":
        database.crash(name)
        database.hosts[name].reachable = False
    elif kind == "return":
        database.hosts[name].reachable = True
        database.hosts[name].file = None  # the entry point discards an old permission
    else:
        database.commit(choice)


def schedule(seed: int, single: bool, arbitrator: str = "") -> Database:
    choice = random.Random(seed)
    database = Database(TWO, arbitrator) if arbitrator else Database()
    if single:
        database.start("db2", as_member=False)
    for _event in range(EVENTS):
        if choice.random() < 0.4:
            with contextlib.suppress(Killed):
                run(database, choice)
        else:
            fault(database, choice)
        before = database.acknowledged
        if database.data:
            assert database.ordered >= before, "an acknowledged commit is lost"
    for host in database.hosts.values():
        host.reachable = True
    return database


@pytest.mark.parametrize("arbitrator", ["", ARBITRATOR])
@pytest.mark.parametrize("single", [False, True])
def test_killed_runs_lose_no_acknowledged_commit_and_converge_once_every_host_answers(
    single: bool, arbitrator: str
) -> None:
    for seed in range(SCHEDULES):
        database = schedule(seed, single, arbitrator)
        acknowledged = database.acknowledged
        decision = run(database)
        assert decision == bootstrap.Decision(), (seed, decision)
        assert database.component == frozenset(database.every_name), seed
        assert database.ordered >= acknowledged, seed
        assert database.clusters <= 1, seed


def is_seen(monkeypatch: pytest.MonkeyPatch, name: str, replacement: Any, arbitrator: str = "") -> bool:
    """Return whether the schedules fail once a rule is replaced."""
    monkeypatch.setattr(bootstrap, name, replacement, raising=False)
    try:
        for single in (False, True):
            test_killed_runs_lose_no_acknowledged_commit_and_converge_once_every_host_answers(single, arbitrator)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("_pair_problem", lambda *_args: ""),
        ("_form_by_themselves", lambda _members, _voter: bootstrap.Decision()),
    ],
)
def test_the_simulation_sees_a_broken_rule(monkeypatch: pytest.MonkeyPatch, rule: str, broken: Any) -> None:
    assert is_seen(monkeypatch, rule, broken)


def test_the_simulation_sees_a_choice_of_another_volume_than_the_most_advanced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_seen(monkeypatch, "max", lambda candidates, key: min(candidates, key=key))


@pytest.mark.parametrize(
    ("rule", "broken"),
    [("_pair_problem", lambda *_args: ""), ("_without_arbitrator", lambda decision, _members, _voter: decision)],
)
def test_the_simulation_of_two_members_sees_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch, rule: str, broken: Any
) -> None:
    assert is_seen(monkeypatch, rule, broken, ARBITRATOR)


def test_the_simulation_sees_a_cluster_that_begins_beside_an_arbitrator_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rule without the condition that no member left it in order."""

    def stop_only(decision: bootstrap.Decision, members: Any, voter: Any) -> bootstrap.Decision:
        begins = any(step.action == bootstrap.BOOTSTRAP for step in decision.steps)
        stop = bootstrap.Step(voter.host, bootstrap.STOP, "it runs")
        return bootstrap.Decision((stop,)) if begins and voter.runs else decision

    assert is_seen(monkeypatch, "_without_arbitrator", stop_only, ARBITRATOR)
