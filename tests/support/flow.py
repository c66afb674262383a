"""Constant traffic of an application that knows every webapp, and the cluster's connection upstream during it."""

from __future__ import annotations

import datetime
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable

import requests
from api import Api

# The log of a coreapp, in UTC: every container has the clock of this machine.
CONNECTION = re.compile(r"\w (\S+ \S+) waba_node\.coreapp\.shard_owner: shard 0: (connected|disconnected)")
Webapps = list[tuple[str, requests.Session]]

HANDOVER_LIMIT = 2.0  # seconds, in total, without a connected coreapp


class Flow:
    """Two threads that send messages and one that reads settings. A call that a webapp fails goes to the next webapp at once.

    apis: one for each webapp. logs: returns the command that prints the log of each coreapp that exists now. replaced_repeatedly: whether
    coreapps can be replaced more than once during the flow.
    """

    PAUSE = 0.05  # seconds between two calls of a thread
    NO_GAP = 0.5  # seconds

    def __init__(
        self, apis: list[Api], logs: Callable[[], Iterable[list[str]]], *, replaced_repeatedly: bool = False
    ) -> None:
        self.apis, self.logs = apis, logs
        self.transitions: set[tuple[datetime.datetime, str]] = set()
        self.accepted: dict[str, float] = {}
        self.calls = 0
        self.refused: list[str] = []
        self.failed_once = 0
        self.ended = threading.Event()
        self.followers: dict[tuple[str, ...], subprocess.Popen[str]] = {}
        steps = (self.send, self.send, self.read_settings)
        self.threads = [threading.Thread(target=self.run, args=(step,), daemon=True) for step in steps]
        if replaced_repeatedly:
            self.threads.append(threading.Thread(target=self.follow_replacements, daemon=True))

    def __enter__(self) -> Flow:
        self.follow("--tail", "0")
        for thread in self.threads:
            thread.start()
        time.sleep(2)
        self.began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        assert self.accepted, f"no call succeeds before the test begins: {self.refused[:3]}"
        return self

    def __exit__(self, *_exception: object) -> None:
        time.sleep(2)
        self.ended.set()
        for thread in self.threads:
            thread.join(30)
        for follower in self.followers.values():
            follower.kill()
        for command in self.logs():
            self.record_transitions(start(command))

    def follow(self, *options: str) -> None:
        """Follow the logs of the coreapps that are not followed yet. The log of a container that is replaced goes with the container."""
        for command in self.logs():
            if tuple(command) not in self.followers:
                follower = self.followers[tuple(command)] = start([*command, "--follow", *options])
                threading.Thread(target=self.record_transitions, args=(follower,), daemon=True).start()

    def follow_replacements(self) -> None:
        while not self.ended.wait(1):
            self.follow()

    def record_transitions(self, log: subprocess.Popen[str]) -> None:
        """Record each connection and disconnection upstream in the log of a coreapp."""
        for line in log.stdout or ():
            found = CONNECTION.match(line)
            if found:
                self.transitions.add((datetime.datetime.fromisoformat(found[1].replace(",", ".")), found[2]))

    def run(self, step: Callable[[Webapps, int], None]) -> None:
        webapps, number = [(api.base, copied_session(api.session)) for api in self.apis], 0
        while not self.ended.is_set():
            number += 1
            step(webapps if number % 2 else webapps[::-1], number)
            time.sleep(self.PAUSE)

    def call(self, webapps: Webapps, method: str, path: str, body: object = None) -> requests.Response | None:
        """Return the first successful answer; None, with a record of every error, if no webapp succeeds."""
        errors = []
        for url, session in webapps:
            try:
                answer = session.request(method, f"{url}/v1/{path}", json=body, timeout=10)
            except requests.RequestException as error:
                errors.append(f"{url}: {type(error).__name__}")
                continue
            if answer.status_code == 200:
                self.failed_once += len(errors)
                return answer
            errors.append(f"{url}: {answer.status_code} {answer.text}")
        self.refused.append(f"{method} {path}: {'; '.join(errors)}")
        return None

    def send(self, webapps: Webapps, number: int) -> None:
        message = {"to": "15551234567", "type": "text", "text": {"body": f"message {number}"}}
        answer = self.call(webapps, "POST", "messages", message)
        if answer is not None:
            self.accepted[answer.json()["messages"][0]["id"]] = time.monotonic()

    def read_settings(self, webapps: Webapps, _number: int) -> None:
        if self.call(webapps, "GET", "settings/application") is not None:
            self.calls += 1

    def handover_pauses(self) -> list[float]:
        """Return the seconds without a connected coreapp, one entry for each time that the shard moved."""
        transitions = sorted(self.transitions)
        return [
            (after - before).total_seconds()
            for (before, former), (after, latter) in zip(transitions, transitions[1:], strict=False)
            if (former, latter) == ("disconnected", "connected") and before > self.began
        ]

    def gaps(self) -> list[float]:
        """Return the seconds of each gap between accepted messages that is longer than NO_GAP: a busy machine causes short ones."""
        moments = sorted(self.accepted.values())
        gaps = [after - before for before, after in zip(moments, moments[1:], strict=False)]
        return [gap for gap in gaps if gap > self.NO_GAP]

    def summary(self) -> str:
        pauses, gaps = (
            ", ".join(f"{seconds:.2f}" for seconds in measured) or "none"
            for measured in (self.handover_pauses(), self.gaps())
        )
        return (
            f"{len(self.accepted)} messages and {self.calls} calls; sending paused (s): {pauses}; "
            f"gaps between accepted messages (s): {gaps}; {self.failed_once} calls served by the other webapp"
        )


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


def copied_session(session: requests.Session) -> requests.Session:
    """Return a session with the same credentials: a session belongs to one thread."""
    copied = requests.Session()
    copied.verify, copied.trust_env = session.verify, session.trust_env
    copied.headers.update(session.headers)
    return copied
