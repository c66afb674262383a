"""Runs the loops and background tasks of a process in one asyncio.TaskGroup (docs/adr/0009-one-supervisor-per-process.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

LONGEST_RETRY = 30.0  # seconds


@dataclass(frozen=True)
class Loop:
    """One row of a supervisor's table.

    step: runs again `interval` seconds after it returned, or after the seconds that it returned. trigger: when set, the step runs at once.
    retry: seconds between an expected failure and the next run; consecutive unexpected failures double it. fatal: a failure ends the process.
    """

    name: str
    step: Callable[[], Awaitable[float | None]]
    interval: float = 0.0
    trigger: asyncio.Event | None = None
    retry: float = 1.0
    fatal: bool = False


class Supervisor:
    """Starts loops and background tasks, restarts loops after failures, and stops them all."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        expected: tuple[type[Exception], ...],
        on_failure: Callable[[str, Exception], None],
        on_progress: Callable[[str, float], None] = lambda _name, _pause: None,
    ) -> None:
        """expected: failures that `on_failure` reports by itself; others are logged with their traceback first.

        on_progress: called after each step with the name of the loop and the seconds until its next step.
        """
        self.group, self.expected, self.on_failure, self.on_progress = group, expected, on_failure, on_progress
        self.triggers: dict[str, asyncio.Event] = {}
        self.loops: dict[str, asyncio.Task[None]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping: set[str] = set()

    def start(self, *loops: Loop) -> None:
        """Run loops until they are stopped."""
        for loop in loops:
            self.triggers[loop.name] = loop.trigger or asyncio.Event()
            self.loops[loop.name] = self.group.create_task(self._repeat(loop), name=loop.name)

    def spawn(self, name: str, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run a task once, until it ends or the supervisor stops."""
        task = self.group.create_task(self._run_once(name, work), name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def finish(self, name: str, timeout: float) -> None:
        """Let a loop end after its present step, for at most `timeout` seconds; then cancel it."""
        self.stopping.add(name)
        self.triggers[name].set()
        await asyncio.wait([self.loops[name]], timeout=timeout)
        self.loops[name].cancel()

    async def stop(self) -> None:
        """Cancel all loops and tasks, and wait until they have ended."""
        self.stopping.update(self.loops)
        running = [*self.loops.values(), *self.tasks]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _repeat(self, loop: Loop) -> None:
        trigger, retry = self.triggers[loop.name], loop.retry
        while True:
            try:
                with exit_on_failure(f"the loop {loop.name} failed") if loop.fatal else contextlib.nullcontext():
                    pause = await loop.step()
                pause, retry = loop.interval if pause is None else pause, loop.retry
            except self.expected as error:
                self.on_failure(loop.name, error)
                pause, retry = loop.retry, loop.retry
            except Exception as error:
                log.exception("the loop %s failed and runs again in %.0f s", loop.name, retry)
                self.on_failure(loop.name, error)
                pause, retry = retry, min(2 * retry, LONGEST_RETRY)
            self.on_progress(loop.name, pause)
            if loop.name in self.stopping:  # a library may have swallowed the only cancellation
                return
            if pause > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await trigger.wait()
            trigger.clear()

    async def _run_once(self, name: str, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except self.expected as error:
            self.on_failure(name, error)
        except Exception as error:
            log.exception("%s failed", name)
            self.on_failure(name, error)


@contextlib.contextmanager
def exit_on_failure(description: str) -> Iterator[None]:
    """End the process at once when the block fails: for failures after which no part of the process may run on."""
    try:
        yield
    except Exception:
        log.critical("%s: this process ends", description, exc_info=True)
        os._exit(1)
