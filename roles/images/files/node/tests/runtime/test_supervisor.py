"""The supervisor of a process: restarts, triggers, stopping, and failures that end the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import pytest
from waba_node.runtime.supervisor import Loop, Supervisor, exit_on_failure


class Unreachable(Exception):
    """An expected failure."""


class Recorded(Supervisor):
    """A supervisor that records failures and progress."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.failures: list[tuple[str, str]] = []
        self.pauses: list[float] = []
        super().__init__(
            group,
            (Unreachable,),
            lambda name, error: self.failures.append((name, str(error))),
            lambda _name, pause: self.pauses.append(pause),
        )


@pytest.fixture
async def supervisor(tasks: asyncio.TaskGroup) -> AsyncIterator[Recorded]:
    made = Recorded(tasks)
    yield made
    await made.stop()


async def steps(loop: list[object], count: int) -> None:
    async with asyncio.timeout(5):
        while len(loop) < count:
            await asyncio.sleep(0.001)


async def test_a_loop_runs_again_after_its_interval_or_the_pause_that_it_returned(supervisor: Recorded) -> None:
    pauses: list[float | None] = [None, 0.0, 0.002]
    run: list[object] = []

    async def step() -> float | None:
        run.append(1)
        return pauses[len(run) - 1] if len(run) <= len(pauses) else 60.0

    supervisor.start(Loop("loop", step, interval=0.001))
    await steps(run, 4)
    await asyncio.sleep(0.01)
    assert supervisor.pauses == [0.001, 0.0, 0.002, 60.0]


async def test_a_trigger_runs_a_waiting_loop_at_once(supervisor: Recorded) -> None:
    trigger, run = asyncio.Event(), []

    async def step() -> None:
        run.append(1)

    supervisor.start(Loop("loop", step, interval=60, trigger=trigger))
    await steps(run, 1)
    trigger.set()
    await steps(run, 2)
    assert not trigger.is_set()


async def test_a_trigger_during_a_step_runs_the_loop_once_more(supervisor: Recorded) -> None:
    trigger, run = asyncio.Event(), []

    async def step() -> None:
        run.append(1)
        if len(run) == 1:
            trigger.set()

    supervisor.start(Loop("loop", step, interval=60, trigger=trigger))
    await steps(run, 2)
    await asyncio.sleep(0.01)
    assert len(run) == 2


async def test_an_expected_failure_is_reported_and_retried_without_a_traceback(
    supervisor: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    run: list[object] = []

    async def step() -> None:
        run.append(1)
        raise Unreachable("no database")

    supervisor.start(Loop("loop", step, retry=0.001))
    await steps(run, 5)
    assert set(supervisor.pauses) == {0.001}
    assert supervisor.failures[0] == ("loop", "no database")
    assert caplog.records == []


async def test_unexpected_failures_are_logged_and_retried_ever_more_slowly_until_a_step_succeeds(
    supervisor: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    run: list[object] = []

    async def step() -> float:
        run.append(1)
        if len(run) in (1, 2, 3, 5):
            raise KeyError("name")
        return 0.0 if len(run) == 4 else 60.0

    supervisor.start(Loop("loop", step, retry=0.001))
    await steps(run, 6)
    await asyncio.sleep(0.01)
    assert supervisor.pauses == [0.001, 0.002, 0.004, 0.0, 0.001, 60.0]
    assert "the loop loop failed" in caplog.text
    assert "KeyError" in caplog.text


async def test_a_failure_of_a_fatal_loop_ends_the_process(
    supervisor: Recorded, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    async def step() -> float:
        if not ended:
            raise Unreachable("even an expected one")
        return 60.0

    supervisor.start(Loop("fence", step, fatal=True))
    await steps(ended, 1)
    assert ended[0] == 1
    assert "the loop fence failed: this process ends" in caplog.text


def test_exit_on_failure_ends_the_process_only_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with exit_on_failure("shard 3: the connection could not be closed"):
        pass
    assert ended == []
    with exit_on_failure("shard 3: the connection could not be closed"):
        raise TypeError("a socket of another kind")
    assert ended == [1]
    assert "shard 3: the connection could not be closed: this process ends" in caplog.text


async def test_stop_ends_every_loop_also_one_that_swallows_the_cancellation(supervisor: Recorded) -> None:
    async def swallow() -> float:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 0.0

    async def wait() -> float:
        return 60.0

    supervisor.start(Loop("swallows", swallow), Loop("waits", wait))
    task = supervisor.spawn("once", asyncio.sleep(60))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await supervisor.stop()
    assert all(loop.done() for loop in supervisor.loops.values())
    assert task.cancelled()


async def test_finish_lets_the_present_step_end_and_starts_no_other(supervisor: Recorded) -> None:
    begun, ended = [], []

    async def step() -> float:
        begun.append(1)
        await asyncio.sleep(0.02)
        ended.append(1)
        return 0.0

    supervisor.start(Loop("send", step))
    await steps(begun, 1)
    await supervisor.finish("send", 5)
    assert (len(begun), len(ended)) == (1, 1)
    assert supervisor.loops["send"].done()


async def test_finish_cancels_a_step_that_takes_too_long(supervisor: Recorded) -> None:
    ended: list[object] = []

    async def step() -> float:
        await asyncio.sleep(60)
        ended.append(1)
        return 0.0

    supervisor.start(Loop("send", step))
    await asyncio.sleep(0)
    await supervisor.finish("send", 0.01)
    await asyncio.wait([supervisor.loops["send"]], timeout=5)
    assert supervisor.loops["send"].cancelled()
    assert ended == []


async def test_a_failed_task_ends_alone(supervisor: Recorded, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(error: Exception) -> None:
        raise error

    await asyncio.wait([supervisor.spawn("heartbeat", fail(Unreachable("gone")))])
    assert caplog.records == []
    await asyncio.wait([supervisor.spawn("heartbeat", fail(KeyError("incarnation")))])
    assert "heartbeat failed" in caplog.text
    assert [name for name, _error in supervisor.failures] == ["heartbeat", "heartbeat"]
    assert supervisor.tasks == set()
