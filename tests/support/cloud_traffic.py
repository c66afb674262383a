"""Constant traffic of an application and of its users through the Cloud API, and its outcome."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import requests
from api import Api
from flow import copied_session
from receiver import Receiver
from standin import Standin
from waiting import wait_for

FINAL = {"delivered", "read", "failed"}
USERS = 100  # of each kind, so that no user waits for the answer to the previous message
MAYBE_SENT = 1014  # the code of a message whose outcome stayed unknown


class Outcome:
    """The webhooks that the application has received. statuses: of each message, in order. ids: of the messages with each text of a user."""

    def __init__(self) -> None:
        self.statuses: defaultdict[str, list[str]] = defaultdict(list)
        self.codes: dict[str, int] = {}  # of the messages that failed
        self.ids: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, body: dict[str, Any]) -> None:
        """Add a webhook of the cluster."""
        for status in body.get("statuses", []):
            self.statuses[status["id"]].append(status["status"])
            if status["status"] == "failed":
                self.codes[status["id"]] = status["errors"][0]["code"]
        for message in body.get("messages", []):
            if message["type"] == "text":
                self.ids[message["text"]["body"]][message["id"]] += 1

    def with_status(self, *names: str) -> set[str]:
        """Return the messages that have one of some statuses."""
        return {message for message, statuses in self.statuses.items() if set(names) & set(statuses)}


class Traffic:
    """One thread sends messages to users, and one lets users write, until the block ends.

    kinds: beginnings of the recipients' numbers. A message goes to the next webapp if one does not accept it. A user's text that the stand-in
    does not confirm does not count.
    """

    PAUSE = 0.1  # seconds between two messages of a thread

    def __init__(
        self, apis: Sequence[Api], standin: Standin, receiver: Receiver, kinds: Iterable[str] = ("1555",)
    ) -> None:
        self.standin, self.receiver = standin, receiver
        self.kinds, self.name = list(kinds), secrets.token_hex(3)
        self.webapps = [(api.base, copied_session(api.session)) for api in apis]
        self.accepted: dict[str, str] = {}  # message id -> recipient
        self.written: list[str] = []
        self.refused: list[str] = []
        self.outcome = Outcome()
        self.ended = threading.Event()
        self.threads = [
            threading.Thread(target=self.repeat, args=(step,), daemon=True) for step in (self.send, self.write)
        ]

    def __enter__(self) -> Traffic:
        while not self.receiver.bodies.empty():  # of earlier tests
            self.receiver.bodies.get()
        self.before = self.standin.posted()
        for thread in self.threads:
            thread.start()
        wait_for(lambda: self.accepted and self.written, 30, "the traffic does not begin")
        return self

    def __exit__(self, *_exception: object) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(60)

    def repeat(self, step: Callable[[int], None]) -> None:
        for number in itertools.count():
            if self.ended.wait(self.PAUSE):
                return
            step(number)

    def send(self, number: int) -> None:
        kind = self.kinds[number % len(self.kinds)]
        recipient = f"{kind}{number // len(self.kinds) % USERS:07d}"
        body = {"to": recipient, "type": "text", "text": {"body": f"message {number}"}}
        problems = []
        for base, session in self.webapps[:: 1 if number % 2 else -1]:
            try:
                answer = session.post(f"{base}/v1/messages", json=body, timeout=12)
            except requests.RequestException as error:
                problems.append(f"{base}: {type(error).__name__}")
                continue
            if answer.status_code == 200:
                self.accepted[answer.json()["messages"][0]["id"]] = recipient
                return
            problems.append(f"{base}: {answer.status_code} {answer.text}")
        self.refused.append("; ".join(problems))

    def write(self, number: int) -> None:
        text = f"answer {number} of {self.name}"
        with contextlib.suppress(requests.RequestException):
            user = f"1559{number % USERS:07d}"
            self.standin.post("inbound", {"type": "text", "from": user, "text": text, "name": "Ada"})
            self.written.append(text)

    def settle(self, seconds: float) -> Outcome:
        """Wait until every message has its final status and every text has arrived; return what arrived, also if something is missing."""
        with contextlib.suppress(TimeoutError):
            wait_for(self.is_settled, seconds, "everything arrives")
        time.sleep(3)  # for what arrives twice
        self.is_settled()
        return self.outcome

    def is_settled(self) -> bool:
        while not self.receiver.bodies.empty():
            self.outcome.add(self.receiver.bodies.get())
        return not self.forgotten() and not self.lost()

    # -- findings ------------------------------------------------------------------------------------------------------

    def forgotten(self) -> set[str]:
        """Return the accepted messages without a final status."""
        return set(self.accepted) - self.outcome.with_status(*FINAL)

    def lost(self) -> set[str]:
        """Return the texts of users that the application has not received."""
        return set(self.written) - set(self.outcome.ids)

    def doubled(self) -> set[str]:
        """Return the texts of users that the cluster has taken for several messages. A repeated webhook has the id of the first one."""
        return {text for text, ids in self.outcome.ids.items() if len(ids) > 1}

    def posted(self) -> Counter[str]:
        """Return the messages of this traffic that the stand-in has accepted, and how often."""
        return self.standin.posted() - self.before

    def of_kind(self, kind: str) -> set[str]:
        """Return the accepted messages to recipients of a kind."""
        return {message for message, recipient in self.accepted.items() if recipient.startswith(kind)}

    def summary(self) -> str:
        """Return the figures in one line."""
        outcome, repeated = self.outcome, sum(sum(ids.values()) - 1 for ids in self.outcome.ids.values())
        unknown = sum(code == MAYBE_SENT for code in outcome.codes.values())
        return (
            f"{len(self.accepted)} messages accepted and {len(self.refused)} refused, {sum(self.posted().values())} at the stand-in, "
            f"{len(outcome.with_status('delivered'))} delivered, {unknown} of unknown outcome; "
            f"{len(self.written)} texts of users, {repeated} webhooks repeated"
        )
