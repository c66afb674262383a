# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rotation of a cluster's secrets as a state machine, whose state is the variables of the secrets file and the running nodes. Pure.

docs/adr/0033-rotation-in-three-phases.md explains the phases. Each transition is one atomic write of the secrets file, and follows only after
every node has the secrets of the present phase. So the nodes of a cluster are never more than one phase apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.validation import is_vendor_image

# Secrets that can be rotated.
ROTATABLE = (
    "waba_database_password",
    "waba_database_root_password",
    "waba_node_secret",
    "waba_api_key",
    "waba_jwt_key",
    "waba_admin_password",
)
ACCEPTED_TWICE = ("waba_node_secret", "waba_api_key", "waba_jwt_key")  # nodes accept a second one of these
DATABASE = ("waba_database_password", "waba_database_root_password")
TOKEN_KEY = "waba_jwt_key"  # noqa: S105 - the name of the variable
ADMIN_PASSWORD = "waba_admin_password"  # noqa: S105 - the name of the variable
PREFIX, NEXT, PREVIOUS = "waba_", "waba_next_", "waba_previous_"
# The account of the nodes in the database, unless it is waba_database_user.
ACCOUNT = "waba_database_account"
ALTERNATE = "_2"  # ends the name of the second of two accounts
LONGEST_ACCOUNT = 32  # characters of an account's name in MySQL

# Phases.
IDLE, ACCEPT, USE = "idle", "accept", "use"

Values = Mapping[str, str]  # {variable: value}; a missing one may be ""
Changes = dict[str, Optional[str]]  # {variable: new value, or None to remove the variable}


class Step(NamedTuple):
    """The next step of a rotation. action: begin, roll, prepare, advance, release, finish, retire or done; `reason` is for operators."""

    action: str
    reason: str


def next_name(secret: str) -> str:
    """Return the variable of the value that a secret gets next."""
    return NEXT + secret[len(PREFIX) :]


def previous_name(secret: str) -> str:
    """Return the variable of the value that a secret had before."""
    return PREVIOUS + secret[len(PREFIX) :]


PENDING = (*map(next_name, ROTATABLE), *(previous_name(one) for one in ROTATABLE if one != ADMIN_PASSWORD))


def has_previous(secret: str) -> bool:
    """Return whether the former value of a secret is stored in the phase "use". The admin has one password only."""
    return previous_name(secret) in PENDING


def phase(values: Values) -> str:
    """Return the phase of a rotation. A previous token key alone belongs to none: it stays, so that sessions survive."""
    if pending_secrets(values, next_name):
        return ACCEPT
    return USE if [one for one in pending_secrets(values, previous_name) if one != TOKEN_KEY] else IDLE


def pending_secrets(values: Values, name: Callable[[str], str]) -> list[str]:
    """Return the secrets with a next or a previous value. name: `next_name` or `previous_name`."""
    return [secret for secret in ROTATABLE if values.get(name(secret))]


def needs_second_secrets(secrets: Iterable[str]) -> bool:
    """Return whether the rotation of these secrets needs nodes that accept a second value."""
    return any(secret in ACCEPTED_TWICE for secret in secrets)


def other_account(user: str, account: str) -> str:
    """Return the other one of the two database accounts. user: waba_database_user. account: the present one."""
    return user + ALTERNATE if account in ("", user) else user


def begun(secrets: Iterable[str], new: Values) -> Changes:
    """Return the changes that begin a rotation: each secret gets a next value. new: {secret: value}."""
    return {next_name(secret): new[secret] for secret in secrets}


def advanced(values: Values, user: str) -> Changes:
    """Return the changes from "accept" to "use": the next values become the present ones. user: waba_database_user."""
    changes: Changes = {}
    for secret in pending_secrets(values, next_name):
        changes[secret], changes[next_name(secret)] = values[next_name(secret)], None
        if has_previous(secret):
            changes[previous_name(secret)] = values[secret]
        if secret == "waba_database_password":  # noqa: S105 - the name of the variable
            changes[ACCOUNT] = other_account(user, values.get(ACCOUNT, ""))
    return changes


def finished(values: Values) -> Changes:
    """Return the changes from "use" to "idle": the previous values are removed, except the token key's."""
    return {previous_name(one): None for one in pending_secrets(values, previous_name) if one != TOKEN_KEY}


def retired(values: Values) -> Changes:
    """Return the changes that end the sessions of the previous token key."""
    return {previous_name(TOKEN_KEY): None} if values.get(previous_name(TOKEN_KEY)) else {}


def next_step(
    values: Values,
    stale: Sequence[str],
    requested: Sequence[str],
    progress: Mapping[str, bool],
    *,
    end_sessions: bool = False,
    finish: bool = True,
) -> Step:
    """Return the next step.

    stale: descriptions of nodes and files that differ from the present phase. requested: the secrets to rotate. progress: of this run, {"begun": whether it
    has begun or continued a rotation, "prepared": whether the database accepts its next passwords, "released": whether it refuses the previous account}.
    end_sessions: also remove the previous token key. finish: whether the previous values may be removed.

    A run that finds an unfinished rotation, or nodes that differ, finishes that and begins no other one. So a killed run is repeated as it was.
    """
    now = phase(values)
    if any(values.get(next_name(one)) for one in DATABASE) and not progress["prepared"]:
        return Step("prepare", "the database accepts no next password yet")
    if stale:
        reason = {ACCEPT: "accept the next values too", USE: "use the new values", IDLE: "have the values of the file"}
        return Step("roll", f"these do not {reason[now]} yet: {', '.join(stale)}")
    if now == ACCEPT:
        return Step("advance", "every node accepts the next values")
    if now == USE:
        return _without_previous(values, progress["released"], finish)
    if requested and not progress["begun"]:
        return Step("begin", f"rotate {', '.join(requested)}")
    if end_sessions and values.get(previous_name(TOKEN_KEY)):
        return Step("retire", "end the sessions of the previous token key")
    return Step("done", "every node has the values of the file, and no other ones")


def _without_previous(values: Values, released: bool, finish: bool) -> Step:
    if not finish:
        return Step("done", "every node uses the new values, and accepts the previous ones")
    if values.get(previous_name("waba_database_password")) and not released:
        return Step("release", "no node uses the previous account of the database")
    return Step("finish", "the previous values are not needed any more")


def request_problems(
    requested: Sequence[str], database: Mapping[str, Any], user: str, images: Iterable[str]
) -> list[Problem]:
    """Return the problems with the secrets to rotate.

    database: that of the topology: {"external", ...}. user: waba_database_user. images: of the nodes.
    """
    problems = []
    vendor = any(map(is_vendor_image, images))
    for secret in requested:
        if secret not in ROTATABLE:
            fix = f"Name some of {', '.join(ROTATABLE)}"
            problems.append(Problem("waba_rotate", secret, "it is not a secret that can be rotated", fix))
        elif secret in ACCEPTED_TWICE and vendor:
            problem = "the vendor's images accept one value only, so the nodes would refuse each other meanwhile"
            fix = "Leave it out; or change it in the inventory and run site.yml, during an outage"
            problems.append(Problem("waba_rotate", secret, problem, fix))
        elif secret in DATABASE and database["external"]:
            fix = (
                "Leave it out; create a second account there, set waba_database_user and waba_database_password to it, "
                "and run rotate_secrets.yml with an empty waba_rotate"
            )
            problems.append(Problem("waba_rotate", secret, "the cluster does not run its database", fix))
    if "waba_database_password" in requested and len(user) > LONGEST_ACCOUNT - len(ALTERNATE):
        problem = f"its second account {user + ALTERNATE} would have more than {LONGEST_ACCOUNT} characters"
        fix = "Leave waba_database_password out of waba_rotate"
        problems.append(Problem("waba_database_user", user, problem, fix))
    return problems
