# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constant test traffic of an application through one webapp, with the outcome of every call, and readings of the cluster's health."""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.evaluation import ACCEPTED, MESSAGE, READ
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.io.fault import FOLDER
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import Api, ApiRefused
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import assess, parse_nodes

READ_INTERVAL = 1.0  # seconds between two calls that send no message
IN_FLIGHT = 160  # calls; a new one does not wait for the former ones, so that a slow call hides no pause
TICK = 0.05  # seconds
LONGEST_ERROR = 160  # characters
LONGEST_END = 60  # seconds for the calls in flight when the traffic ends

Record = dict[str, Any]


class Traffic:
    """The calls of a test with their outcomes. Moments are seconds since `began`, which is a time of this host's clock.

    session: logged in. health: with the API key. recipients: of the messages, in turn. expect: as for `health.assess`.
    """

    def __init__(self, session: Api, health: Api, recipients: Sequence[str], expect: Mapping[str, int]) -> None:
        self.session, self.health, self.recipients, self.expect = session, health, recipients, expect
        self._turn = itertools.count()
        self.calls: list[Record] = []
        self.states: list[Record] = []
        self.began, self._origin = time.time(), time.monotonic()
        self._lock = threading.Lock()

    def run(self, interval: float, duration: float, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Send each recipient a message every `interval` seconds, until `duration` has passed or is_stopped() returns True."""
        self.began, self._origin = time.time(), time.monotonic()
        tick = interval / len(self.recipients)
        steps = ((tick, self.send_message), (READ_INTERVAL, self.read_settings), (READ_INTERVAL, self.read_health))
        due = [0.0] * len(steps)
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            while self.now() < duration and not is_stopped():
                for number, (period, step) in enumerate(steps):
                    if self.now() >= due[number]:
                        due[number] = max(due[number] + period, self.now())
                        pool.submit(step)
                time.sleep(min(TICK, tick / 2))

    def now(self) -> float:
        return time.monotonic() - self._origin

    def send_message(self) -> None:
        """Send a message to the next recipient. The record has its number in the list, not the phone number."""
        recipient = next(self._turn) % len(self.recipients)
        body = {
            "to": self.recipients[recipient],
            "type": "text",
            "recipient_type": "individual",
            "text": {"body": "Test message of a failover drill"},
        }
        self._record(MESSAGE, lambda: self.session.call("POST", "messages", body), recipient)

    def read_settings(self) -> None:
        self._record(READ, lambda: self.session.call("GET", "settings/application"))

    def read_health(self) -> None:
        at = self.now()
        try:
            nodes = parse_nodes(self.health.value_at(self.health.call("GET", "health"), "health"))
        except HostError as error:
            self._add(
                self.states, {"at": at, "primary": "", "connected": [], "healthy": False, "reason": _short(error)}
            )
            return
        reasons, _summary = assess(nodes, **self.expect)
        sound = [node for node in nodes if not node["problem"]]
        state = {
            "at": at,
            "primary": next((node["container"] for node in sound if node["role"] == "primary_master"), ""),
            "connected": [
                node["container"]
                for node in sound
                if node["role"] == "coreapp" and node["gateway_status"] == "connected"
            ],
            "healthy": not reasons,
            "reason": reasons[0] if reasons else "",
        }
        self._add(self.states, state)

    def result(self) -> Record:
        """Return what was recorded, in the order of time."""
        in_order = [sorted(records, key=lambda record: record["at"]) for records in (self.calls, self.states)]
        return {"began": self.began, "calls": in_order[0], "states": in_order[1]}

    def _record(self, kind: str, call: Callable[[], object], recipient: int = 0) -> None:
        at, outcome, error = self.now(), ACCEPTED, ""
        try:
            call()
        except ApiRefused as refusal:
            outcome, error = "refused", _short(refusal)
        except HostError as failure:
            outcome, error = "unanswered", _short(failure)
        seconds = round(self.now() - at, 3)
        record = {"at": round(at, 3), "seconds": seconds, "kind": kind, "outcome": outcome, "error": error}
        self._add(self.calls, {**record, "recipient": recipient})

    def _add(self, records: list[Record], record: Record) -> None:
        with self._lock:
            records.append(record)


def _short(error: Exception) -> str:
    return str(error)[:LONGEST_ERROR]


def start(cluster: str, flow: Traffic, interval: float, duration: float, logout: Callable[[], None]) -> None:
    """Send traffic in a process of its own, until `stop` is called or `duration` has passed. Raises HostError.

    The secrets of the sessions stay in the memory of that process: a background task of Ansible would write them to a file. logout: called at the end.
    """
    stop_file, result_file = _files(cluster)
    files.create_folder(FOLDER)
    files.remove(stop_file)  # of a drill that was killed
    files.remove(result_file)

    def work() -> None:
        try:
            flow.run(interval, duration, lambda: os.path.exists(stop_file))
        finally:
            logout()
            if os.path.exists(stop_file):  # otherwise no drill waits for the result
                files.write(result_file, json.dumps(flow.result()), 0o600)

    _detach(work)


def stop(cluster: str) -> Record:
    """End the traffic that was started on this host, and return what it recorded. Raises HostError if there is none."""
    stop_file, result_file = _files(cluster)
    files.create_folder(FOLDER)
    files.write(stop_file, "", 0o600)
    deadline = time.monotonic() + LONGEST_END
    found = None
    while found is None and time.monotonic() < deadline:
        time.sleep(TICK)
        found = files.read(result_file)
    for path in (stop_file, result_file):
        files.remove(path)
    files.remove_empty_folder(FOLDER)
    if found is None:
        raise HostError("The test traffic has ended before the drill, so there is no measurement.")
    result: Record = json.loads(found[0])
    return result


def _files(cluster: str) -> tuple[str, str]:
    """Return the paths of the file that ends the traffic of a cluster, and of its result."""
    return os.path.join(FOLDER, f"{cluster}.stop"), os.path.join(FOLDER, f"{cluster}.json")


def _detach(work: Callable[[], None]) -> None:
    """Call work() in a child process that the end of this one does not end. Its output is discarded."""
    if os.fork():
        return
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        work()
    finally:
        os._exit(0)
