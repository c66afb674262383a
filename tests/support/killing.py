"""Runs of playbooks that are killed between two tasks, or within one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from plays import ROOT, environment

CALLBACK = Path(__file__).resolve().parent / "callback"
LONGEST_RUN = 900  # seconds

# What dies. Ansible's workers leave the process group, so that they, and what they run on hosts, live on.
GROUP, CONTROLLER, MODULES = "process group", "controller", "controller and modules"


@dataclass
class Kill:
    """When a run dies, and how much of it. boundary: number of the task, from 0; counted from the first one that has `mark` in its name.

    delay: seconds into that task; 0 is before it begins.
    """

    boundary: int
    delay: float = 0.0
    what: str = GROUP
    mark: str = ""
    met: int | None = field(default=None, repr=False)

    def comes(self, number: int, name: str) -> bool:
        if self.met is None and self.mark in name:
            self.met = number
        return self.met is not None and number == self.met + self.boundary

    def __str__(self) -> str:
        task = f"{self.mark} + {self.boundary}" if self.mark else f"task {self.boundary}"
        return f"{f'{self.delay:.2f} s into' if self.delay else 'before'} {task}, {self.what}"


@dataclass
class Run:
    """How a run went. tasks: (name, seconds) of each that began. task: the name of that in which, or before which, it was killed."""

    tasks: list[tuple[str, float]] = field(default_factory=list)
    task: str = ""
    status: int = 0
    output: str = ""
    seconds: float = 0.0


def run_on(
    inventory: Path,
    playbook: str,
    *arguments: str,
    kill: Kill | None = None,
    kill_modules: Callable[[], None] = lambda: None,
    meanwhile: Callable[[int, str], None] = lambda _number, _name: None,
) -> Run:
    """Run a playbook on the cluster of an inventory, and kill it when that is asked for.

    kill_modules: ends what the run has under way on the hosts. meanwhile: called with each task's number and name before it begins.
    Raises TimeoutError.
    """
    done, began = Run(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path, log = f"{folder}/boundaries", Path(folder) / "log"
        server.bind(path)
        server.listen()
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    "ansible-playbook",
                    str(ROOT / "playbooks" / playbook),
                    "-i",
                    str(inventory),
                    *arguments,
                ],
                cwd=ROOT,
                env={
                    **environment(),
                    "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACK),
                    "ANSIBLE_CALLBACKS_ENABLED": "boundaries",
                    "WABA_BOUNDARIES": path,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        connection, _address = server.accept()
        connection.settimeout(LONGEST_RUN)
        with connection, connection.makefile("rw") as stream:
            follow(done, stream, kill, meanwhile, lambda: end(process, path, kill.what, kill_modules))
        done.status = process.wait(LONGEST_RUN)
        done.output, done.seconds = log.read_text(), time.monotonic() - began
    return done


def follow(done: Run, stream, kill: Kill | None, meanwhile, end) -> None:
    """Let task after task begin, until the run ends or its time has come."""
    began = time.monotonic()
    while name := stream.readline().strip():
        now, number = time.monotonic(), len(done.tasks)
        if done.tasks:
            done.tasks[-1] = (done.tasks[-1][0], now - began)
        began, dies = now, kill is not None and kill.comes(number, name)
        meanwhile(number, name)
        if dies:
            done.task = name
        if not (dies and not kill.delay):
            done.tasks.append((name, 0.0))
            stream.write("\n")
            stream.flush()
        if dies:
            time.sleep(kill.delay)
            end()
            return
    if done.tasks:
        done.tasks[-1] = (done.tasks[-1][0], time.monotonic() - began)


def end(process: subprocess.Popen, marker: str, what: str, kill_modules: Callable[[], None]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    if what != GROUP:
        for pid in marked(marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if what == MODULES:
        kill_modules()


def marked(marker: str) -> list[int]:
    """Return the processes that a run started, by what it put into their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"WABA_BOUNDARIES={marker}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def sample(tasks: list[tuple[str, float]], count: int, seed: int, first: int = 0) -> list[Kill]:
    """Return kills at so many boundaries, spread over a run whose tasks took their seconds, each in one of the ways there are."""
    draw = random.Random(seed)
    numbers = sorted(draw.sample(range(first, len(tasks)), min(count, len(tasks) - first)))
    kills = []
    for index, number in enumerate(numbers):
        within = (index + seed) % 4
        delay = draw.uniform(0.1, 0.9) * tasks[number][1] if within else 0.0
        kills.append(Kill(number, delay, (GROUP, GROUP, CONTROLLER, MODULES)[within]))
    return kills
