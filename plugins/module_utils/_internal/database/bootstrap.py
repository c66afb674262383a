# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The next steps of a database with several members, from one observation of every host. Pure.

A run repeats: observe, decide, apply, until nothing is left to do. A decision depends on the observation alone, so a run may be killed at any point.
docs/adr/0027-three-database-members.md explains the rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

NO_UUID = "00000000-0000-0000-0000-000000000000"
NO_SEQNO = -1
GROUP = "waba_group_mysql"
FROM = "waba_database_bootstrap_from"
ARBITRATOR_GROUP = "waba_group_arbitrator"
ENCRYPTION = "waba_mysql_member_ca"
HEADINGS = ("host", "server", "data", "uuid", "seqno", "last stop")
CHOICE = re.compile(r"(?P<host>.+)@(?P<seqno>\d+)")
# Actions. The arbitrator of two members only starts and stops. One host joins or is replaced at a time; the other actions of a decision are applied together.
WITHDRAW, BOOTSTRAP, JOIN, START, STOP, REPLACE, MOVE = (
    "withdraw",
    "bootstrap",
    "join",
    "start",
    "stop",
    "replace",
    "move",
)

Observation = Mapping[str, Any]


class Step(NamedTuple):
    """One action on one host.

    uuid, seqno: the position that a bootstrap starts from. forced: an operator accepts the loss of later commits. successor: the host whose member becomes the
    writer.
    """

    host: str
    action: str
    reason: str
    uuid: str = NO_UUID
    seqno: int = NO_SEQNO
    forced: bool = False
    successor: str = ""


class Decision(NamedTuple):
    """The steps to apply now, or the problems that prevent them. Without either, the database is as it should be."""

    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Member(NamedTuple):
    """The observation of the server and the volume of one host that answered."""

    host: str
    runs: bool  # the container runs
    primary: bool
    serves: bool  # Primary and Synced
    single: bool  # the volume has the data of a server that was never a member
    member: bool  # the volume was a member
    uuid: str
    seqno: int
    known: bool  # uuid and seqno are those of the volume
    clean: bool  # the last stop was orderly
    safe: bool  # the last one to leave an orderly stopped cluster
    unfinished: bool  # a state transfer was interrupted, so the data is unusable
    bootstrap: Mapping[str, Any] | None  # the pending file
    due: bool  # the container differs from its definition
    writes: bool  # the writer
    encrypted: bool | None  # whether the running container encrypts what it exchanges with the others
    encrypts: bool | None  # whether its definition does


def decide(
    observed: Mapping[str, Observation | None],
    hosts: Sequence[str],
    *,
    waited: bool = False,
    bootstrap_from: str = "",
    arbitrator: str = "",
) -> Decision:
    """Return the next steps.

    observed: {host: result of `database_member_info`, or None if the host did not answer}. hosts: those of the members, in the order of the inventory.
    waited: whether this run has given running members time to form the cluster by themselves. bootstrap_from: "" or "HOST@SEQNO", an operator's choice.
    arbitrator: the host that votes with two members and has no data, "" for none.
    """
    found = {host: _member(host, facts) for host, facts in observed.items() if facts is not None and host in hosts}
    members = [found[host] for host in hosts if host in found]
    absent = [host for host in hosts if host not in found]
    problems = _foreign_data(members)
    if problems:
        return Decision(problems=tuple(problems))
    if any(one.primary for one in members):
        return _with_primary(members, absent, bootstrap_from)
    running = [one for one in members if one.runs and not one.single]
    voter = _Arbitrator(arbitrator, observed.get(arbitrator)) if arbitrator else None
    if running and not waited:
        return _form_by_themselves(members, voter)
    if running:
        reason = "no member is Primary, and a position can be read from a stopped server only"
        return Decision(tuple(Step(one.host, STOP, reason) for one in running))
    decision = _without_primary(members, absent, _remembered(observed.values()), bootstrap_from)
    return _without_arbitrator(decision, members, voter) if voter else decision


def rows(
    observed: Mapping[str, Observation | None], hosts: Sequence[str], arbitrator: str = ""
) -> list[tuple[str, ...]]:
    """Return the table of an observation, with HEADINGS, for an operator who has to choose."""
    lines: list[tuple[str, ...]] = []
    for host in hosts:
        facts = observed.get(host)
        if facts is None:
            lines.append((host, "does not answer", "", "", "", ""))
            continue
        one = _member(host, facts)
        server = facts.get("status") or ("runs" if one.runs else "stopped")
        data = "single server" if one.single else "member" if one.member else "none"
        data = "interrupted transfer" if one.unfinished else data
        stop = "" if one.runs or not one.member else "last of all" if one.safe else "orderly" if one.clean else "crash"
        known = one.member and one.known
        lines.append((host, server, data, one.uuid if known else "", str(one.seqno) if known else "", stop))
    if arbitrator:
        facts = observed.get(arbitrator)
        server = "does not answer" if facts is None else "runs" if facts.get("running") else "stopped"
        lines.append((arbitrator, server, "none (arbitrator)", "", "", ""))
    return lines


def _member(host: str, facts: Observation) -> _Member:
    runs = bool(facts.get("running"))
    primary = runs and facts.get("status") == "Primary"
    member = bool(facts.get("member")) or primary
    return _Member(
        host=host,
        runs=runs,
        primary=primary,
        serves=primary and facts.get("state") == "Synced",
        single=bool(facts.get("initialised")) and not member,
        member=member,
        uuid=str(facts.get("uuid") or NO_UUID),
        seqno=int(facts.get("seqno", NO_SEQNO)),
        known=not runs or primary,
        clean=bool(facts.get("clean")),
        safe=bool(facts.get("safe_to_bootstrap")),
        unfinished=bool(facts.get("unfinished_sst")),
        bootstrap=facts.get("bootstrap"),
        due=bool(facts.get("due")),
        writes=primary and bool(facts.get("is_writer")),
        encrypted=facts.get("encrypted") if primary else None,
        encrypts=facts.get("encrypts"),
    )


class _Arbitrator(NamedTuple):
    """The observation of the arbitrator. facts: None if its host did not answer."""

    host: str
    facts: Observation | None

    @property
    def runs(self) -> bool:
        return bool(self.facts and self.facts.get("running"))

    @property
    def is_stopped(self) -> bool:
        return self.facts is not None and not self.runs


def _foreign_data(members: Sequence[_Member]) -> list[Problem]:
    """Return the problems of data that a join would delete: another cluster's, or that of a single server beside members."""
    uuids: dict[str, list[str]] = {}
    for one in members:
        if one.member and one.known and one.uuid != NO_UUID:
            uuids.setdefault(one.uuid, []).append(one.host)
    if len(uuids) > 1:
        listed = "; ".join(f"{uuid} on {', '.join(hosts)}" for uuid, hosts in uuids.items())
        fix = "Remove the volume of the host whose data is not needed, or take it out of the group"
        return [Problem(GROUP, listed, "these hosts have the data of different clusters", fix)]
    singles = [one.host for one in members if one.single]
    if singles and (uuids or len(singles) > 1):
        others = " beside members of a cluster" if uuids else ""
        problem = f"the data of a single server{others}, which a join would delete"
        fix = "Back it up, then remove the volume of each host whose data is not needed"
        return [Problem(GROUP, ", ".join(singles), problem, fix)]
    return []


def _with_primary(members: Sequence[_Member], absent: Sequence[str], bootstrap_from: str) -> Decision:
    if bootstrap_from:
        fix = "Leave the variable out: the other members join"
        names = ", ".join(one.host for one in members if one.primary)
        return Decision(problems=(Problem(FROM, bootstrap_from, f"the database runs on {names}", fix),))
    if switched := _encryption_problem(members):
        return Decision(problems=(switched,))
    if withdrawn := _withdrawn(members, ""):
        return Decision(withdrawn)
    waiting = [one for one in members if not one.serves]
    # A join that is in progress goes first: it must not be interrupted.
    for one in sorted(waiting, key=lambda one: not one.runs):
        return Decision((Step(one.host, JOIN, "it is joining" if one.runs else "it does not run"),))
    due = [one for one in members if one.due]
    if not due:
        return Decision()
    if absent:
        problem = "a member is replaced only while every other one is Synced, and these do not answer"
        fix = "Start them, or fix how Ansible connects to them"
        return Decision(problems=(Problem(GROUP, ", ".join(absent), problem, fix),))
    readers = [one for one in due if not one.writes]
    if readers:
        return Decision((Step(readers[0].host, REPLACE, "its container differs from the settings"),))
    successor = next(one.host for one in members if not one.writes)
    reason = f"{successor} becomes the writer, so that this container can be replaced"
    return Decision((Step(due[0].host, MOVE, reason, successor=successor),))


def _encryption_problem(members: Sequence[_Member]) -> Problem | None:
    """Return the problem of a definition with which a member could not reach those that run: either all encrypt their traffic, or none."""
    present = next((one.encrypted for one in members if one.encrypted is not None), None)
    differing = [one.host for one in members if present is not None and one.encrypts not in (None, present)]
    if not differing:
        return None
    problem = f"the members that run {'encrypt' if present else 'do not encrypt'} their traffic, so {', '.join(differing)} could not join them"
    fix = "Stop the database with stop.yml -e waba_stop_database=true, then run site.yml; or set it as before"
    return Problem(ENCRYPTION, "(changed)", problem, fix)


def _form_by_themselves(members: Sequence[_Member], voter: _Arbitrator | None) -> Decision:
    """Members that remember their last view form the cluster without any command, once all of them run. The arbitrator is one of the view."""
    withdrawn = _withdrawn(members, "")
    if withdrawn:
        return Decision(withdrawn)
    reason = "the members of the last view form the cluster by themselves"
    steps = [Step(one.host, START, reason) for one in members if one.member or one.runs]
    if voter and voter.is_stopped:
        steps.append(Step(voter.host, START, reason))
    return Decision(tuple(steps))


def _without_arbitrator(decision: Decision, members: Sequence[_Member], voter: _Arbitrator) -> Decision:
    """Return the decision, or first the stop of the arbitrator, where the decision begins a cluster.

    An arbitrator that all members left in order is a cluster of its own: it has a majority and no data, so that no member can join it, and a cluster
    that begins beside it conflicts with it.
    """
    begins = next((step for step in decision.steps if step.action == BOOTSTRAP), None)
    if begins is None or voter.is_stopped:
        return decision
    if voter.runs:
        reason = "no member is Primary, and without data the arbitrator must not be a cluster of its own"
        return Decision((Step(voter.host, STOP, reason),))
    # A member that left last has every commit, so it has the position that the cluster begins from.
    left_in_order = [one.host for one in members if one.seqno == begins.seqno and one.clean]
    was_last_of_all = any(one.host == begins.host and one.safe for one in members)
    if left_in_order and not was_last_of_all and not begins.forced:
        problem = f"it does not answer, and may still be in the cluster that {left_in_order[0]} left in order"
        fix = f"Bring it back; or make sure that its container db-arbitrator does not run, and set {FROM} to HOST@SEQNO of the table"
        return Decision(problems=(Problem(ARBITRATOR_GROUP, voter.host, problem, fix),))
    return decision


def _withdrawn(members: Sequence[_Member], chosen: str) -> tuple[Step, ...]:
    reason = "an interrupted run permitted this host to begin the cluster"
    return tuple(Step(one.host, WITHDRAW, reason) for one in members if one.bootstrap and one.host != chosen)


def _without_primary(
    members: Sequence[_Member], absent: Sequence[str], remembered: Mapping[str, int], bootstrap_from: str
) -> Decision:
    """No member is Primary and every position is known."""
    if bootstrap_from:
        return _chosen(members, bootstrap_from)
    if any(one.member for one in members):
        return _after_total_loss(members, absent, remembered)
    if absent:
        problem = "this host does not answer, so its volume may have the data of the cluster"
        fix = "Start it, or fix how Ansible connects to it"
        return Decision(problems=tuple(Problem(GROUP, host, problem, fix) for host in absent))
    singles = [one for one in members if one.single]
    first = (singles or members)[0]
    reason = "the data of the single server becomes that of the cluster" if singles else "no host has data"
    return Decision(_bootstrap(members, Step(first.host, BOOTSTRAP, reason)))


def _bootstrap(members: Sequence[_Member], step: Step) -> tuple[Step, ...]:
    """Return the step, or first the removal of other hosts' permissions to begin the cluster."""
    return _withdrawn(members, step.host) or (step,)


def _after_total_loss(members: Sequence[_Member], absent: Sequence[str], remembered: Mapping[str, int]) -> Decision:
    candidates = [one for one in members if _is_usable(one)]
    if not candidates:
        return _undecided("no volume can begin the cluster: each is empty, or its state transfer was interrupted")
    best = max(candidates, key=lambda one: (one.seqno, one.safe))
    known = remembered.get(best.uuid, NO_SEQNO)
    if best.seqno < known:
        return _undecided(f"seqno {best.seqno} of {best.host} is lower than {known}, which the database had reached")
    if absent:
        reason = _pair_problem(members, candidates, best, absent)
        if reason:
            return _undecided(reason)
    reason = "it has every commit that was acknowledged"
    return Decision(_bootstrap(members, Step(best.host, BOOTSTRAP, reason, best.uuid, best.seqno)))


def _pair_problem(
    members: Sequence[_Member], candidates: Sequence[_Member], best: _Member, absent: Sequence[str]
) -> str:
    """Return why the members that answered cannot decide without the others; "" if they can.

    Two of three have every acknowledged message, since it is acknowledged after a second member has applied it. That says nothing about a third member
    that continued alone: the quorum shrinks with every orderly stop. So the last of the two must have crashed, or have been the last of all.
    """
    listed = ", ".join(absent)
    if len(candidates) <= len(absent) or len(candidates) < len(members):
        return f"{listed} does not answer, and {len(candidates)} volume(s) cannot prove that they have every acknowledged message"
    if best.safe:
        return ""
    for one in candidates:
        if one.seqno == best.seqno and one.clean:
            return f"{listed} does not answer and may have continued alone after the orderly stop of {one.host}"
    return ""


def _chosen(members: Sequence[_Member], bootstrap_from: str) -> Decision:
    """The operator's choice is a host with the seqno that the table reports, so that it is a choice of that data."""
    match = CHOICE.fullmatch(bootstrap_from)
    fix = "Give HOST@SEQNO of a host in the table"
    if not match:
        return Decision(problems=(Problem(FROM, bootstrap_from, "it is not of the form HOST@SEQNO", fix),))
    one = next((one for one in members if one.host == match["host"]), None)
    if one is None or not _is_usable(one):
        problem = "this host does not answer" if one is None else "the volume of this host cannot begin the cluster"
        return Decision(problems=(Problem(FROM, bootstrap_from, problem, fix),))
    if one.seqno != int(match["seqno"]):
        return Decision(problems=(Problem(FROM, bootstrap_from, f"{one.host} has seqno {one.seqno}", fix),))
    step = Step(one.host, BOOTSTRAP, "it is the choice of the operator", one.uuid, one.seqno, forced=True)
    return Decision(_bootstrap(members, step))


def _is_usable(one: _Member) -> bool:
    return one.member and not one.unfinished and one.uuid != NO_UUID and one.seqno >= 0


def _remembered(observed: Sequence[Observation | None] | Any) -> dict[str, int]:
    """Return {uuid: highest seqno} of the positions that the hosts remember."""
    found: dict[str, int] = {}
    for facts in observed:
        position = (facts or {}).get("remembered")
        if position:
            found[position["uuid"]] = max(found.get(position["uuid"], NO_SEQNO), int(position["seqno"]))
    return found


def _undecided(reason: str) -> Decision:
    fix = "Bring the missing hosts back and run start.yml; or accept the loss of later messages with HOST@SEQNO of the table"
    return Decision(problems=(Problem(FROM, "(not set)", reason, fix),))
