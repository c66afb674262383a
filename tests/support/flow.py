"""A constant flow of calls, as a business makes them that knows every webapp, and what the cluster says of its connection meanwhile."""

from __future__ import annotations

import datetime
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable

import requests
from api import Api

# A coreapp's own words, with its own time: every container has this machine's clock, in UTC.
CONNECTION = re.compile(r"\w (\S+ \S+) waba_node\.coreapp\.process: shard 0: (connected|disconnected)")


class Flow:
    """Two who send messages and one who makes other calls, all the time. The webapp that fails a call is followed by the next at once.

    apis: list of Api, one for each webapp. logs: returns the commands (lists of str) that print the log of each coreapp there is now.
    """

    PAUSE = 0.05  # seconds between two calls of one of them
    NO_GAP = 0.5  # seconds

    def __init__(self, apis: list[Api], logs: Callable[[], Iterable[list[str]]]) -> None:
        self.apis, self.logs = apis, logs
        self.told: set[tuple[datetime.datetime, str]] = set()
        self.accepted: dict[str, float] = {}
        self.calls = 0
        self.refused: list[str] = []
        self.failed_once = 0
        self.ended = threading.Event()
        self.followers: list[subprocess.Popen] = []
        steps = (self.send, self.send, self.look)
        self.threads = [threading.Thread(target=self.run, args=(step,), daemon=True) for step in steps]

    def __enter__(self) -> Flow:
        for command in self.logs():  # a container that is replaced takes its log with it
            follower = show([*command, "--follow", "--tail", "0"])
            self.followers.append(follower)
            threading.Thread(target=self.listen, args=(follower,), daemon=True).start()
        for thread in self.threads:
            thread.start()
        time.sleep(2)
        self.began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        assert self.accepted, f"calls succeed before the test begins: {self.refused[:3]}"
        return self

    def __exit__(self, *_anything: object) -> None:
        time.sleep(2)
        self.ended.set()
        for thread in self.threads:
            thread.join(30)
        for follower in self.followers:
            follower.kill()
        for command in self.logs():
            self.listen(show(command))

    def listen(self, log: subprocess.Popen) -> None:
        """Write down what a coreapp says of its connection upstream."""
        for line in log.stdout:
            found = CONNECTION.match(line)
            if found:
                self.told.add((datetime.datetime.fromisoformat(found[1].replace(",", ".")), found[2]))

    def run(self, step: Callable[[list, int], None]) -> None:
        webapps, number = [(api.base, copy_of(api.session)) for api in self.apis], 0
        while not self.ended.is_set():
            number += 1
            step(webapps if number % 2 else webapps[::-1], number)
            time.sleep(self.PAUSE)

    def ask(self, webapps: list, method: str, path: str, body: object = None) -> requests.Response | None:
        """Return the answer of the first webapp that does the call; None, written down, when none did."""
        told = []
        for url, caller in webapps:
            try:
                answer = caller.request(method, f"{url}/v1/{path}", json=body, timeout=10)
            except requests.RequestException as error:
                told.append(f"{url}: {type(error).__name__}")
                continue
            if answer.status_code == 200:
                self.failed_once += len(told)
                return answer
            told.append(f"{url}: {answer.status_code} {answer.text}")
        self.refused.append(f"{method} {path}: {'; '.join(told)}")
        return None

    def send(self, webapps: list, number: int) -> None:
        message = {"to": "15551234567", "type": "text", "text": {"body": f"message {number}"}}
        answer = self.ask(webapps, "POST", "messages", message)
        if answer is not None:
            self.accepted[answer.json()["messages"][0]["id"]] = time.monotonic()

    def look(self, webapps: list, _number: int) -> None:
        if self.ask(webapps, "GET", "settings/application") is not None:
            self.calls += 1

    def moves(self) -> list[float]:
        """Return for how many seconds no coreapp was connected, each time that the shard moved meanwhile."""
        told = sorted(self.told)
        return [
            (after - before).total_seconds()
            for (before, what), (after, then) in zip(told, told[1:], strict=False)
            if (what, then) == ("disconnected", "connected") and before > self.began
        ]

    def gaps(self) -> list[float]:
        """Return the seconds of each gap in which no message was accepted, short ones apart: a busy machine has some of its own."""
        moments = sorted(self.accepted.values())
        gaps = [after - before for before, after in zip(moments, moments[1:], strict=False)]
        return [gap for gap in gaps if gap > self.NO_GAP]

    def summary(self) -> str:
        moves, gaps = (", ".join(f"{one:.2f}" for one in found) or "none" for found in (self.moves(), self.gaps()))
        return (
            f"{len(self.accepted)} messages and {self.calls} calls; sending paused (s): {moves}; "
            f"gaps between accepted messages (s): {gaps}; {self.failed_once} calls taken by the other webapp"
        )


def show(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


def copy_of(session: requests.Session) -> requests.Session:
    """Return a session of its own for a thread, with the same credentials."""
    made = requests.Session()
    made.verify, made.trust_env = session.verify, session.trust_env
    made.headers.update(session.headers)
    return made
