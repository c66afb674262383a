"""The messages that the stand-in accepted, and their statuses."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .behaviour import Behaviour, Bucket, Outcome
from .errors import GraphError
from .media import MediaStore
from .validation import USER_ID, BodyComponent, Message, Template, media_ids
from .webhooks import Update

RATES = {"STANDARD": 80.0, "HIGH": 1000.0}  # throughput level -> messages per second
STORED = 10_000  # messages of which the body is stored; all are counted


@dataclass
class Sent:
    """An accepted message. to: the digits or the user id that it went to."""

    position: int
    wamid: str
    to: str
    wa_id: str
    type: str
    content: Any
    callback_data: str
    identity_hash: str
    at: float
    delivered_to: str  # the user, empty if the message went nowhere
    broken_media: bool
    answered: bool = False
    statuses: list[str] = field(default_factory=list)


def make_wamid(user: str, inbound: bool = False) -> str:
    """Return an id as those in samples: the other party's digits, the direction, and a random part."""
    party, direction = user.encode(), b"\x12" if inbound else b"\x11"
    random_part = secrets.token_hex(10).upper().encode()
    content = (
        b"\x1c\x18" + bytes([len(party)]) + party + b"\x15\x02\x00" + direction + b"\x18\x14" + random_part + b"\x00"
    )
    return "wamid." + base64.b64encode(content).decode()


def identity_hash(user: str, generation: int) -> str:
    """Return the hash of a user's identity."""
    return base64.b64encode(hashlib.sha256(f"{user}/{generation}".encode()).digest()[:9]).decode()


class Messages:
    """Accepts messages, counts them, and reports their statuses. It has no idempotency key: each accepted request is one more message."""

    def __init__(
        self,
        behaviour: Callable[[], Behaviour],
        media: MediaStore,
        metadata: dict[str, str],
        clock: Callable[[], float],
    ) -> None:
        """metadata: `display_phone_number` and `phone_number_id`, as webhooks have them."""
        self.behaviour, self.media, self.metadata, self.clock = behaviour, media, metadata, clock
        self.stored: deque[Sent] = deque(maxlen=STORED)
        self.by_wamid: dict[str, Sent] = {}
        self.by_callback_data: Counter[str] = Counter()
        self.by_content: Counter[str] = Counter()  # recipient and digest of the content
        self.refused: Counter[int] = Counter()
        self.accepted, self.unanswered, self.lost = 0, 0, 0
        self.read_marks: Counter[str] = Counter()
        self.pairs: dict[str, Bucket] = {}
        self.number = Bucket(80, 80, clock())
        self.last_inbound: dict[str, float] = {}
        self.generations: defaultdict[str, int] = defaultdict(int)
        self.identity_check: Callable[[], bool] = lambda: False
        self.throughput: Callable[[], str] = lambda: "STANDARD"

    # -- acceptance ----------------------------------------------------------------------------------------------------

    def recipient(self, message: Message) -> str:
        """Return the user to whom a message goes: digits, or a user id. Without `+` the country code of the business comes in front."""
        if not isinstance(message.to, str):
            return str(message.recipient)
        if USER_ID.fullmatch(message.to):
            return message.to
        digits = "".join(character for character in message.to if character.isdigit())
        return digits if message.to.startswith("+") else self.behaviour().country_code + digits

    def wa_id(self, digits: str) -> str:
        """Return the WhatsApp id of a number, which can begin differently."""
        for prefix, replacement in self.behaviour().prefixes.items():
            if digits.startswith(prefix):
                return replacement + digits[len(prefix) :]
        return digits

    def check(self, message: Message) -> None:
        """Refuse what the API refuses at once. Raises GraphError."""
        behaviour, now, user = self.behaviour(), self.clock(), self.recipient(message)
        if user == self.metadata["display_phone_number"]:
            raise GraphError(100, "the recipient is the sender")
        self._check_rates(behaviour, now, user)
        if not all(map(self.media.has, media_ids(message))):
            raise GraphError(
                100, f"Param {message.type}.id is not a valid whatsapp business account media attachment ID"
            )
        template = message.template if isinstance(message.template, Template) else None
        if template is not None:
            self._check_template(template, behaviour)
        elif behaviour.window and self.last_inbound.get(self.wa_id(user), 0.0) < now - 86400:
            raise GraphError(131047, "more than 24 hours have passed since the user last replied to this number")

    def rate(self) -> float:
        """Return the messages per second of the number, 0 for no limit."""
        chosen = self.behaviour().rate
        return RATES.get(self.throughput(), RATES["STANDARD"]) if chosen is None else chosen

    def _check_rates(self, behaviour: Behaviour, now: float, user: str) -> None:
        if rate := self.rate():
            self.number.capacity = max(rate, 1.0)
            if not self.number.take(now, rate):
                raise GraphError(130429, f"the number has reached {rate:g} messages per second")
        if behaviour.pair_interval:
            full = behaviour.pair_burst
            pair = self.pairs.setdefault(user, Bucket(full, full, now))
            if not pair.take(now, 1 / behaviour.pair_interval):
                raise GraphError(131056, "Too many messages sent from this phone number to the same phone number")

    def _check_template(self, template: Template, behaviour: Behaviour) -> None:
        if not behaviour.templates:
            return
        name = f"{template.name}/{template.language.code}"
        if name not in behaviour.templates:
            raise GraphError(132001, f"template name ({template.name}) does not exist in {template.language.code}")
        body = [component for component in template.components if isinstance(component, BodyComponent)]
        found, wanted = sum(len(component.parameters) for component in body), behaviour.templates[name]
        if found != wanted:
            raise GraphError(132000, f"body: number of localizable_params ({found}) does not match {wanted}")

    def accept(self, message: Message, body: dict[str, Any]) -> Sent:
        """Record a message as sent."""
        user = self.recipient(message)
        by_id = bool(USER_ID.fullmatch(user))
        lost = by_id and isinstance(message.to, str)  # users report that an id in `to` is dropped without an error
        content = body[message.type]
        self.accepted += 1
        sent = Sent(
            self.accepted,
            make_wamid(user),
            user,
            "" if by_id else self.wa_id(user),
            message.type,
            content,
            str(message.biz_opaque_callback_data or ""),
            str(message.recipient_identity_key_hash or ""),
            self.clock(),
            "" if lost else user,
            any(self.media.files[media_id].broken for media_id in media_ids(message)),
        )
        self.unanswered += 1
        self.lost += lost
        if len(self.stored) == STORED:
            self.by_wamid.pop(self.stored[0].wamid, None)
        self.stored.append(sent)
        self.by_wamid[sent.wamid] = sent
        if sent.callback_data:
            self.by_callback_data[sent.callback_data] += 1
        digest = hashlib.sha256(json.dumps([message.type, content], sort_keys=True).encode()).hexdigest()[:16]
        self.by_content[f"{user} {digest}"] += 1
        return sent

    def answered(self, sent: Sent) -> None:
        sent.answered = True
        self.unanswered -= 1

    def answer(self, message: Message, sent: Sent) -> dict[str, Any]:
        """Return the body of the answer."""
        contact: dict[str, str] = {"input": str(message.to or message.recipient)}
        contact |= {"wa_id": sent.wa_id} if sent.wa_id else {"user_id": sent.to}
        answer: dict[str, Any] = {"id": sent.wamid}
        if sent.type == "template":
            answer["message_status"] = "accepted"
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [answer]}

    # -- statuses ------------------------------------------------------------------------------------------------------

    def statuses(self, sent: Sent) -> list[Update]:
        """Return the status webhooks of a message, in the order in which they are delivered."""
        behaviour = self.behaviour()
        if not sent.delivered_to:
            return []
        names, code = self._course(sent, behaviour)
        updates = [self.status(sent, name, code) for name in names for _copy in range(behaviour.status_copies)]
        if behaviour.status_order == "reversed":
            updates.reverse()
        elif behaviour.status_order == "shuffled":
            random.shuffle(updates)
        return [both for update in updates for both in (*self._foreign(behaviour), update)]

    def _course(self, sent: Sent, behaviour: Behaviour) -> tuple[list[str], int]:
        """Return the statuses of a message, and the code of a `failed` one."""
        user = sent.wa_id or sent.to
        if sent.identity_hash and sent.identity_hash != identity_hash(user, self.generations[user]):
            return ["failed"], 137000
        if sent.broken_media:
            return ["failed"], 131053
        matching: Iterator[Outcome] = (outcome for outcome in behaviour.outcomes if sent.to.startswith(outcome.to))
        outcome = next(matching, None)
        return (list(outcome.statuses), outcome.code) if outcome else (list(behaviour.statuses), 131026)

    def status(self, sent: Sent, name: str, code: int = 131026) -> Update:
        """Return the webhook that reports a status."""
        behaviour, now = self.behaviour(), int(self.clock())
        sent.statuses.append(name)
        user = sent.wa_id or sent.to
        status: dict[str, Any] = {"id": sent.wamid, "status": name, "timestamp": str(now)}
        if sent.wa_id:
            status["recipient_id"] = sent.wa_id
        status["recipient_user_id"] = self.user_id(user)
        if sent.callback_data and (name != "failed" or behaviour.callback_data_in_failed):
            status["biz_opaque_callback_data"] = sent.callback_data
        if self.identity_check():
            status["recipient_identity_key_hash"] = identity_hash(user, self.generations[user])
        if name == "failed":
            status["errors"] = [GraphError(code).webhook()]
        elif name in ("sent", "delivered"):
            category = "utility" if sent.type == "template" else "service"
            if behaviour.conversation:
                conversation: dict[str, Any] = {
                    "id": hashlib.sha256(user.encode()).hexdigest()[:32],
                    "origin": {"type": category},
                }
                if name == "sent":
                    conversation["expiration_timestamp"] = str(now + 86400)
                status["conversation"] = conversation
            status["pricing"] = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": category}
        value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": self.metadata, "statuses": [status]}
        if name in ("sent", "delivered", "read"):
            value["contacts"] = [self.contact(user, "Ada", not sent.wa_id)]
        return Update("messages", value)

    def _foreign(self, behaviour: Behaviour) -> Iterator[Update]:
        """Yield statuses of messages that another system sent with the same number."""
        for _each in range(behaviour.foreign_statuses):
            status = {
                "id": make_wamid("15550000000"),
                "status": "delivered",
                "timestamp": str(int(self.clock())),
                "recipient_id": "15550000000",
            }
            yield Update("messages", {"messaging_product": "whatsapp", "metadata": self.metadata, "statuses": [status]})

    # -- users ---------------------------------------------------------------------------------------------------------

    def user_id(self, user: str) -> str:
        """Return the business-scoped id of a user."""
        return user if USER_ID.fullmatch(user) else f"US.{user}00"

    def hides_number(self, user: str) -> bool:
        return any(user.startswith(prefix) for prefix in self.behaviour().users_without_number)

    def contact(self, user: str, name: str, hidden: bool, username: str = "") -> dict[str, Any]:
        """Return an entry of `contacts`. hidden: without the number."""
        profile = {"name": name, **({"username": f"@{username}"} if username else {})}
        contact: dict[str, Any] = {"profile": profile, "user_id": self.user_id(user)}
        if not hidden:
            contact["wa_id"] = user
        if self.identity_check():
            contact["identity_key_hash"] = identity_hash(user, self.generations[user])
        return contact

    def record_inbound(self, user: str) -> None:
        """Count a message of a user, which the rate of the number includes and which opens the window."""
        now = self.clock()
        self.last_inbound[user] = now
        if rate := self.rate():
            self.number.capacity = max(rate, 1.0)
            self.number.refill(now, rate)
            self.number.tokens = max(self.number.tokens - 1, 0)
