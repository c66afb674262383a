"""Runs of playbooks that are killed between two tasks, or within a task."""

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
from typing import TextIO

from plays import ROOT, environment

CALLBACK = Path(__file__).resolve().parent / "callback"
LONGEST_RUN = 900  # seconds

# What is killed. Ansible's workers leave the process group, so they survive its end, with what they run on hosts.
GROUP, CONTROLLER, MODULES = "process group", "controller", "controller and modules"


@dataclass
class Kill:
    """When a run is killed, and how much of it.

    boundary: number of the task, from 0, counted from the first task with `mark` in its name. delay: seconds into that task;
    with 0 the task does not begin. scope: GROUP, CONTROLLER or MODULES.
    """

    boundary: int
    delay: float = 0.0
    scope: str = GROUP
    mark: str = ""
    first: int | None = field(default=None, repr=False)

    def is_due(self, number: int, name: str) -> bool:
        """Return whether the run dies at this task; `first` remembers the first task with the mark."""
        if self.first is None and self.mark in name:
            self.first = number
        return self.first is not None and number == self.first + self.boundary

    def __str__(self) -> str:
        task = f"{self.mark} + {self.boundary}" if self.mark else f"task {self.boundary}"
        return f"{f'{self.delay:.2f} s into' if self.delay else 'before'} {task}, {self.scope}"


@dataclass
class Run:
    """A run that ended. tasks: (name, seconds) of each that began. task: the name of the task in which, or before which, it was killed."""

    tasks: list[tuple[str, float]] = field(default_factory=list)
    task: str = ""
    status: int = 0
    output: str = ""
    seconds: float = 0.0


def run_and_kill(
    inventory: Path,
    playbook: str,
    *arguments: str,
    kill: Kill | None = None,
    kill_modules: Callable[[], None] = lambda: None,
    before_task: Callable[[int, str], None] = lambda _number, _name: None,
) -> Run:
    """Run a playbook on the cluster of an inventory, and kill it if `kill` says so.

    kill_modules: kills what the run executes on the hosts. before_task: called with the number and the name of each task.
    Raises TimeoutError.
    """
    run, began = Run(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        path, log = f"{folder}/boundaries", Path(folder) / "log"
        server.bind(path)
        server.listen()
        with log.open("w") as output:
            process = subprocess.Popen(
                ["ansible-playbook", str(ROOT / "playbooks" / playbook), "-i", str(inventory), *arguments],
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
            step_through(run, stream, kill, before_task, lambda scope: kill_run(process, path, scope, kill_modules))
        run.status = process.wait(LONGEST_RUN)
        run.output, run.seconds = log.read_text(), time.monotonic() - began
    return run


def step_through(
    run: Run,
    stream: TextIO,
    kill: Kill | None,
    before_task: Callable[[int, str], None],
    kill_now: Callable[[str], None],
) -> None:
    """Allow one task after the other to begin, until the run ends or its kill is due."""
    began = time.monotonic()
    while name := stream.readline().strip():
        now, number = time.monotonic(), len(run.tasks)
        if run.tasks:
            run.tasks[-1] = (run.tasks[-1][0], now - began)
        began = now
        due = kill if kill is not None and kill.is_due(number, name) else None
        before_task(number, name)
        if due is not None:
            run.task = name
        if due is None or due.delay:
            run.tasks.append((name, 0.0))
            stream.write("\n")
            stream.flush()
        if due is not None:
            time.sleep(due.delay)
            kill_now(due.scope)
            return
    if run.tasks:
        run.tasks[-1] = (run.tasks[-1][0], time.monotonic() - began)


def kill_run(process: subprocess.Popen[bytes], marker: str, scope: str, kill_modules: Callable[[], None]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    if scope != GROUP:
        for pid in processes_with(marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if scope == MODULES:
        kill_modules()


def processes_with(marker: str) -> list[int]:
    """Return the processes that a run started, identified by their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"WABA_BOUNDARIES={marker}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def sample(tasks: list[tuple[str, float]], count: int, seed: int, first: int = 0) -> list[Kill]:
    """Return kills at `count` boundaries, spread over a run whose tasks took these seconds, alternating between all kinds of kill."""
    draw = random.Random(seed)
    numbers = sorted(draw.sample(range(first, len(tasks)), min(count, len(tasks) - first)))
    kills = []
    for index, number in enumerate(numbers):
        kind = (index + seed) % 4
        delay = draw.uniform(0.1, 0.9) * tasks[number][1] if kind else 0.0
        kills.append(Kill(number, delay, (GROUP, GROUP, CONTROLLER, MODULES)[kind]))
    return kills
