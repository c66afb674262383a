"""How the stand-in behaves; a test or an operator changes it while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(ge=0)]
StatusName = Literal["sent", "delivered", "read", "played", "failed", "deleted"]


class Fault(Struct, forbid_unknown_fields=True):
    """Messages that do not take the usual course. The first fault that matches a message applies to it.

    kind: lose_answer (accept the message and reset the connection), delay_answer (accept it and answer after `seconds`), cut_answer (accept it
    and send half of the answer), cut_request (read a part of the request and reset the connection; `to` and `containing` are not known then),
    error (answer `code`; without a code an answer of `http_status` and no body, or an HTML page), status_first (report its statuses before the
    answer).
    """

    kind: Literal["lose_answer", "delay_answer", "cut_answer", "cut_request", "error", "status_first"]
    times: int = 1  # messages; -1 for all
    every: Annotated[int, Meta(ge=1)] = 1  # only each n-th matching message
    to: str = ""  # the first digits of the recipient
    containing: str = ""  # a text in the content
    seconds: Positive = 60
    code: int | None = None
    http_status: int = 0  # 0: that of the code, or 500
    html: bool = False
    sent: bool = False  # an error whose message is sent nevertheless
    seen: int = 0


class Outcome(Struct, forbid_unknown_fields=True):
    """The statuses of messages to a recipient. code: that of a `failed`."""

    to: str  # the first digits
    statuses: list[StatusName]
    code: int = 131026


class Behaviour(Struct, forbid_unknown_fields=True):
    """The switches. Durations are in seconds."""

    latency: Positive = 0  # of every answer to a message
    rate: Positive | None = None  # messages per second of the number, both directions; None: by its level; 0: no limit
    pair_burst: Annotated[int, Meta(ge=1)] = 45  # messages to one recipient at once
    pair_interval: Positive = 6  # between two messages to one recipient on average; 0 for no limit
    maintenance: bool = False  # 131057
    dead_tokens: bool = False  # 190 for every token
    scopes: tuple[str, ...] = ("whatsapp_business_messaging", "whatsapp_business_management")
    window: bool = False  # refuse what is no template and is no answer within 24 hours (131047)
    country_code: str = "1"  # is put in front of a recipient without `+`
    prefixes: dict[
        str, str
    ] = {}  # beginnings of recipients whose WhatsApp id begins differently, as in Mexico: {"521": "52"}
    templates: dict[str, int] = {}  # `name/language` -> number of body parameters; empty accepts any template
    media_life: Positive = 30 * 86400  # of an uploaded file
    inbound_media_life: Positive = 7 * 86400
    url_life: Positive = 300  # of a download URL

    statuses: tuple[StatusName, ...] = ("sent", "delivered")
    outcomes: list[Outcome] = []  # the first that matches replaces `statuses`
    status_delay: Positive = 0  # between the acceptance and each status
    status_order: Literal["chronological", "reversed", "shuffled"] = "chronological"
    status_copies: Annotated[int, Meta(ge=1)] = 1
    foreign_statuses: int = 0  # statuses of unknown messages that accompany each status
    callback_data_in_failed: bool = True
    conversation: bool = False  # as before v24.0
    users_without_number: list[str] = []  # first digits of users whose number webhooks do not have

    hold_webhooks: bool = False
    batch: Annotated[int, Meta(ge=1, le=1000)] = 50  # updates in one webhook, if so many wait
    batch_style: Literal["changes", "entries", "values"] = "changes"  # where the updates of a batch stand
    webhook_copies: Annotated[int, Meta(ge=1)] = 1
    webhook_timeout: Positive = 10
    retry_after: Positive = 1  # a webhook that was not answered with 200; doubles up to a minute
    retry: bool = True


@dataclass
class Bucket:
    """A token bucket."""

    capacity: float
    tokens: float
    at: float

    def take(self, now: float, rate: float) -> bool:
        """Take a token if there is one. rate: tokens per second."""
        self.refill(now, rate)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def refill(self, now: float, rate: float) -> None:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * rate)
        self.at = now
