"""The simulated Cloud API: it takes every message that arrives, also one that it has already, and posts updates to any webapp until it gets a 2xx."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waba_node.store.updates import digest_of
from waba_node.upstream.cloud.graph import CloudError, NoAnswer, NotWritten
from waba_node.upstream.cloud.translation.webhooks import parse_correlation_id

from ..process import Later
from ..traffic import RECIPIENTS
from ..upstream import UP
from .pace import PAIR_THROTTLED, THROTTLED, Pace

if TYPE_CHECKING:
    from .coreapp import CloudCoreapp
    from .world import CloudWorld

PHONE_NUMBER_ID = "1"
CALL_TIMEOUT = 4.0  # seconds: as much shorter than the client's own limit as the intervals of the schedules are
CONNECT_TIMEOUT = 1.0  # seconds
GRACE = 4  # seconds
INBOUND_PAUSE = 1.5  # seconds between two messages of users
REPEAT = 2.0  # seconds after which an update that was not accepted is posted again
MOST_THROTTLED = 2  # in a row, of one recipient: the next pause would outlast the schedule
UNDELIVERABLE, TEMPORARY, UNKNOWN, TOKEN = 131026, 133004, 131000, 190  # codes of errors


@dataclass(frozen=True)
class Mood:
    """How the API behaves. Numbers are shares of the messages; slowest, late: seconds for an answer and for an update at most."""

    lost: float = 0.01  # answers to messages that were taken
    refused: float = 0.01
    unknown: float = 0.01  # an error that does not say whether the message was taken
    throttled: float = 0.0
    pair_throttled: float = 0.02
    unavailable: float = 0.0
    unusable: bool = False  # the token is refused
    unreachable: bool = False  # no request is written
    undeliverable: float = 0.03  # taken, and then failed
    slowest: float = 0.3
    late: float = 1.0


GOOD = Mood()
MOODS = (
    LOSES_ANSWERS := Mood(lost=0.5),
    LATE := Mood(lost=0.3, late=12.0),
    REFUSES := Mood(refused=0.3, undeliverable=0.4),
    UNCLEAR := Mood(unknown=0.5),
    THROTTLES := Mood(throttled=0.4),
    THROTTLES_RECIPIENTS := Mood(pair_throttled=0.6),
    UNAVAILABLE := Mood(unavailable=0.5),
    UNUSABLE := Mood(unusable=True),
    UNREACHABLE := Mood(unreachable=True),
    SLOW := Mood(slowest=6.0, late=6.0),
    MIXED := Mood(
        lost=0.1,
        unknown=0.1,
        refused=0.1,
        throttled=0.1,
        pair_throttled=0.1,
        undeliverable=0.2,
        slowest=2.0,
        late=3.0,
    ),
)
SHARE_OF_GOOD = 0.2  # of the changes


@dataclass
class Update:
    """An update that the API posts. message: the cluster's, None of a user's message. best: the status."""

    name: str
    body: bytes
    message: int | None = None
    status: str = ""
    correlated: bool = True
    accepted: bool = False  # answered with 2xx
    posts: int = 0

    @property
    def digest(self) -> str:
        """Return its key in the database."""
        return digest_of("status" if self.status else "message", self.name)


class CloudUpstream:
    """See the module."""

    def __init__(self, world: CloudWorld) -> None:
        self.world, self.mood = world, GOOD
        self.received: Counter[int] = Counter()  # message -> how often it was taken
        self.wamids: defaultdict[int, list[str]] = defaultdict(list)  # message -> ids
        self.throttled: Counter[str] = Counter()  # recipient -> refusals in a row
        self.updates: dict[str, Update] = {}
        self.clients: dict[CloudClient, None] = {}  # in the order of their creation
        self.count = 0

    def begin(self) -> None:
        """Let users send messages."""
        self.world.at(INBOUND_PAUSE * (0.5 + self.world.rnd()), self.send_inbound)

    def change(self, how: float) -> None:
        """Answer in another way from now on; sometimes well again."""
        share = (how - SHARE_OF_GOOD) / (1 - SHARE_OF_GOOD)
        self.mood = GOOD if share < 0 else MOODS[int(share * len(MOODS))]

    def heal(self) -> None:
        """Answer well from now on."""
        self.mood = GOOD

    def hang_up(self, _shard: int) -> None:
        """Close the connections of every coreapp: the answers to its messages are lost."""
        for client in self.clients:
            client.lose_answers()

    # -- messages ------------------------------------------------------------------------------------------------------

    def post(self, node: CloudCoreapp, body: Mapping[str, Any]) -> Later | Exception:
        """Take a message, or refuse it. The answer is an id or an error, a while later."""
        world, mood, rnd = self.world, self.mood, self.world.rnd
        number = message_of(body)
        recipient = body["to"].lstrip("+")
        world.note("message %d arrives from %s", number, node.name)
        if mood.unusable:
            return self.later(error(401, TOKEN))
        if rnd() < mood.throttled:
            return self.later(error(400 if rnd() < 0.5 else 429, THROTTLED))
        if rnd() < mood.pair_throttled and self.throttled[recipient] < MOST_THROTTLED:
            self.throttled[recipient] += 1
            return self.later(error(400, PAIR_THROTTLED))
        if rnd() < mood.unavailable:
            return self.later(error(400, TEMPORARY))
        if rnd() < mood.refused:
            return self.later(error(400, UNDELIVERABLE))
        unknown = rnd() < mood.unknown
        if unknown and rnd() < 0.5:
            return self.later(error(500, UNKNOWN))
        self.throttled[recipient] = 0
        wamid = self.take(number, recipient, body)
        if unknown:
            return self.later(error(500, UNKNOWN) if rnd() < 0.5 else CloudError(502, None))
        if rnd() < mood.lost:
            return self.later(NoAnswer("the connection was closed"))
        return self.later({"contacts": [{"wa_id": recipient}], "messages": [{"id": wamid}]})

    def later(self, answer: object) -> Later:
        """Answer after a while."""
        later = Later()
        self.world.at(0.02 + self.mood.slowest * self.world.rnd(), lambda: later.answer(answer))
        return later

    def take(self, number: int, recipient: str, body: Mapping[str, Any]) -> str:
        """Take a message, and report its statuses later. Return its id."""
        self.count += 1
        wamid = f"wamid.{self.count}"
        self.received[number] += 1
        self.wamids[number].append(wamid)
        self.world.check_taken(number)
        self.world.traffic.arrived(self.world.traffic.message(number))
        statuses = ("failed",) if self.world.rnd() < self.mood.undeliverable else ("sent", "delivered", "read")
        correlated = self.world.rnd() > 0.05
        for status in statuses[: 1 + int(3 * self.world.rnd())]:
            content = {"id": wamid, "status": status, "recipient_id": recipient, "timestamp": "1700000000"}
            if status == "failed":
                content["errors"] = [{"code": UNDELIVERABLE, "title": "Message undeliverable"}]
            if correlated:
                content["biz_opaque_callback_data"] = body["biz_opaque_callback_data"]
            self.report(f"{wamid}/{status}", {"statuses": [content]}, number, status, correlated=correlated)
        return wamid

    # -- updates -------------------------------------------------------------------------------------------------------

    def send_inbound(self) -> None:
        """Let a user send a message."""
        self.world.at(INBOUND_PAUSE * (0.5 + self.world.rnd()), self.send_inbound)
        self.count += 1
        name, user = f"wamid.in.{self.count}", RECIPIENTS[int(self.world.rnd() * len(RECIPIENTS))]
        message = {"id": name, "from": user, "type": "text", "text": {"body": "x"}, "timestamp": "1700000000"}
        self.report(name, {"messages": [message]})

    def report(
        self,
        name: str,
        value: dict[str, Any],
        message: int | None = None,
        status: str = "",
        *,
        correlated: bool = True,
    ) -> None:
        """Post an update some time from now, sometimes twice."""
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": PHONE_NUMBER_ID}, **value}
        change = {"field": "messages", "value": value}
        body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
        update = Update(name, json.dumps(body).encode(), message, status, correlated)
        self.updates[name] = update
        for _time in range(2 if self.world.rnd() < 0.1 else 1):
            self.world.at(self.mood.late * self.world.rnd(), lambda: self.post_update(update))

    def post_update(self, update: Update) -> None:
        """Post an update to a webapp, and again until one answers with a 2xx."""
        world, answered = self.world, False
        webapp = world.webapps[int(world.rnd() * len(world.webapps))]
        update.posts += 1

        def answer(ok: bool) -> None:
            nonlocal answered
            answered = True
            if ok:
                world.record_accepted_update(update)
            if not ok or world.rnd() < 0.05:  # the answer is lost, so a repetition arrives
                world.at(REPEAT * (0.5 + world.rnd()), lambda: self.post_update(update))

        def give_up() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self.post_update(update)

        if not webapp.alive or (UP, webapp.name) in world.cut:
            world.at(REPEAT * (0.5 + world.rnd()), lambda: self.post_update(update))
            return
        world.at(world.delay(), lambda: webapp.receive(update.body, answer))
        world.at(2 * CALL_TIMEOUT, give_up)


def message_of(body: Mapping[str, Any]) -> int:
    """Return the cluster's id of a message."""
    correlation = parse_correlation_id(body["biz_opaque_callback_data"])
    if correlation is None:
        raise AssertionError(f"no correlation id: {body}")
    return int(correlation[1])


def error(status: int, code: int) -> CloudError:
    """Return an answer with an error of the API."""
    return CloudError(status, {"code": code, "message": f"error {code}"})


class CloudClient:
    """A coreapp's client of the Cloud API: see upstream.cloud.graph.GraphClient."""

    def __init__(self, node: CloudCoreapp) -> None:
        self.node, self.upstream = node, node.world.upstream
        self.closed = False
        self.pace = Pace(0.0, 0.0)
        self.in_flight: dict[asyncio.Future[Any], None] = {}
        self.upstream.clients[self] = None

    async def number_info(self, _fields: str) -> dict[str, Any]:
        """Return the state of the number."""
        answer = await self.call(lambda: error(401, TOKEN) if self.upstream.mood.unusable else {"status": "CONNECTED"})
        return dict(answer)

    async def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post a message. Raises CloudError, NotWritten, NoAnswer."""
        world, recipient = self.node.world, body["to"].lstrip("+")
        if (problem := self.pace.begin(recipient, world.now)) is not None:
            world.fail(f"{self.node.name} {problem} with message {message_of(body)}")
        code = None
        try:
            return dict(await self.call(lambda: self.upstream.post(self.node, body)))
        except CloudError as failure:
            code = failure.error and failure.error["code"]
            raise
        finally:
            self.pace.end(recipient, code, world.now)

    async def call(self, ask: Any) -> Any:
        """Return an answer. Raises CloudError, NotWritten, NoAnswer."""
        world, node = self.node.world, self.node
        if self.closed:
            raise NotWritten("the client is closed")
        if self.upstream.mood.unreachable or (node.name, UP) in world.cut:
            await asyncio.sleep(CONNECT_TIMEOUT * world.rnd())
            raise NotWritten("no connection")
        future = asyncio.get_running_loop().create_future()

        def answered(answer: object) -> None:
            if future.done():
                return
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        def failed() -> None:
            if not future.done():
                future.set_exception(NoAnswer("no answer in time"))

        self.in_flight[future] = None
        world.call(node, (UP,), ask, answered, failed, CALL_TIMEOUT, once=True)
        try:
            return await future
        finally:
            self.in_flight.pop(future, None)

    async def close(self) -> None:
        """Close the connections. A message under way may arrive."""
        self.closed = True
        if self.node.posting is self:
            self.node.world.record_disconnected(self.node)
        self.upstream.clients.pop(self, None)
        self.lose_answers()

    def lose_answers(self) -> None:
        """End every call under way."""
        for future in self.in_flight:
            if not future.done():
                future.set_exception(NoAnswer("the connection was closed"))
