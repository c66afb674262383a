"""The state of the cluster for the console. The call is our addition. Ages and times are in seconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .common import answer


class ConsoleWebapp(Struct, forbid_unknown_fields=True):
    """The webapp that answers.

    problem: "" for a webapp that does its work. last_webhook: age of the last webhook of the Cloud API that it received, null without one.
    """

    name: str
    version: str
    problem: str
    uptime: float
    upstream: Literal["loopback", "cloud", "websocket"]
    last_webhook: float | None


class ConsoleNode(Struct, forbid_unknown_fields=True):
    """A registered master or coreapp. silent: since its last report to the database. problem: "" for a node that does its work."""

    name: str
    role: Literal["primary_master", "secondary_master", "coreapp"]
    status: Literal["connected", "connecting", "disconnected", "uninitialized", "unregistered", "unreachable"]
    version: str
    silent: float
    uptime: float | None
    problem: str


class ConsoleShard(Struct, forbid_unknown_fields=True):
    """A shard. owner: null while it has none. epoch: increases with every promotion."""

    shard: int
    owner: str | None
    connected: bool
    epoch: int


class ConsoleQueue(Struct, forbid_unknown_fields=True):
    """The rows that wait in a queue, at most 10,000; `more` if there are more. oldest: age of the oldest one, null if not known."""

    waiting: int
    more: bool
    oldest: float | None


class ConsoleQueues(Struct, forbid_unknown_fields=True):
    """The queues in the database.

    outbox: messages that are accepted and not sent. uncertain: messages of which it is uncertain whether they were sent. webhooks: webhooks
    that are not delivered; `oldest` is the age of the event. updates: updates of the Cloud API that are not processed. set_aside: updates
    that could not be processed.
    """

    outbox: ConsoleQueue
    uncertain: ConsoleQueue
    webhooks: ConsoleQueue
    updates: ConsoleQueue
    set_aside: ConsoleQueue


class ConsoleChange(Struct, forbid_unknown_fields=True):
    """A new primary master (`shard` is null) or a new owner of a shard. vacancy: how long a master saw no holder, null if none did."""

    shard: int | None
    holder: str
    former: str | None
    epoch: int
    age: float
    vacancy: float | None


class ConsoleChanges(Struct, forbid_unknown_fields=True):
    """The changes that the running masters have observed, the latest first. observed: for how long one of them has observed."""

    observed: float
    latest: list[ConsoleChange]


class ConsoleCertificate(Struct, forbid_unknown_fields=True):
    """A certificate of this webapp.

    days: whole days until it expires, negative after that, null if it cannot be read. severity: as in `attention`, null for one that needs none.
    """

    name: str
    expires_at: str | None
    days: int | None
    severity: Literal["problem", "notice"] | None
    problem: str


class ConsoleAttention(Struct, forbid_unknown_fields=True):
    """Something that an operator must act on (`problem`) or plan for (`notice`)."""

    severity: Literal["problem", "notice"]
    text: str


class ConsoleState(Struct, forbid_unknown_fields=True):
    """The parts of the state. A part that could not be read is null, and `problems` has the reason under its name."""

    webapp: ConsoleWebapp
    nodes: list[ConsoleNode] | None
    shards: list[ConsoleShard] | None
    queues: ConsoleQueues | None
    changes: ConsoleChanges | None
    certificates: list[ConsoleCertificate] | None
    problems: dict[str, str]
    attention: list[ConsoleAttention]


Console = answer("Console", "console", ConsoleState)
