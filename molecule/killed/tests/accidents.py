"""Accidents during a run, and the run after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from figures import figure
from hosts import Hosts
from killed_runs import Run
from lab_runs import run
from state import State
from trials import Outcome, assess

BOOT_TIMEOUT = 60  # seconds


def run_with_accident(
    hosts: Hosts, task: str, delay: float, accident: Callable[[], None], *arguments: str, playbook: str = "site.yml"
) -> Run:
    """Run a playbook and call `accident` some seconds into a task (0: before it); return the run."""
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


def assert_next_run_converges(hosts: Hosts, what: str, wanted: State, before: State) -> None:
    outcome = Outcome(None, what)
    assess(hosts, outcome, run(hosts, "site.yml"), before, wanted)
    figure(what, outcome)
    assert outcome.good, str(outcome)


def wait_until_reachable(hosts: Hosts, name: str, engine: bool = True) -> None:
    script = f"{'systemctl start docker && ' if engine else ''}ss -ltn | grep -q :22"
    deadline = time.monotonic() + BOOT_TIMEOUT
    while hosts.host(name).exec_run(["sh", "-c", script])[0] != 0:
        assert time.monotonic() < deadline, f"{name} does not boot"
        time.sleep(0.5)
