"""Accidents in the middle of a run, and the run after it."""

from __future__ import annotations

import threading
import time

from conftest import figure
from hosts import Hosts
from killed_runs import Run
from lab_runs import run
from trials import Outcome, judge

BOOT = 60  # seconds


def struck(hosts: Hosts, task: str, delay: float, accident, *arguments: str, playbook: str = "site.yml") -> Run:
    """Run a playbook, let an accident happen so many seconds into a task (0: before it), and return how the run went."""
    timers: list[threading.Timer] = []

    def before_task(_number: int, name: str) -> None:
        if task in name and not timers:
            timers.append(threading.Timer(delay, accident))
            timers[0].start()
            if not delay:
                timers[0].join()

    done = run(hosts, playbook, *arguments, before_task=before_task)
    assert timers, f"no task {task} in {done.tasks}"
    timers[0].join()
    return done


def healed(hosts: Hosts, what: str, wanted: dict[str, dict], before: dict[str, dict]) -> None:
    outcome = Outcome(None, what)
    judge(hosts, outcome, run(hosts, "site.yml"), before, wanted)
    figure(what, outcome)
    assert outcome.good, str(outcome)


def until_it_answers(hosts: Hosts, name: str, engine: bool = True) -> None:
    script = f"{'systemctl start docker && ' if engine else ''}ss -ltn | grep -q :22"
    deadline = time.monotonic() + BOOT
    while hosts.host(name).exec_run(["sh", "-c", script])[0] != 0:
        assert time.monotonic() < deadline, f"{name} does not boot"
        time.sleep(0.5)
