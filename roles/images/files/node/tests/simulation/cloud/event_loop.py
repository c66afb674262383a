"""An asyncio event loop in virtual time, so that a simulated process can run the node's own coroutines."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..process import Process

EARLY = 1e-9  # seconds by which a timer may be early


class EventLoop(asyncio.AbstractEventLoop):
    """The loop of one life of a process. Its time is the process's clock; while the process is frozen, nothing runs."""

    def __init__(self, process: Process) -> None:
        self.process, self.world, self.lives = process, process.world, process.lives
        self.ready: deque[asyncio.Handle] = deque()
        self.timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self.count = 0  # timers so far
        self.scheduled = False  # whether the loop is about to run
        self.closing = False
        self.tasks: dict[asyncio.Task[Any], None] = {}  # that run, in the order of their creation

    # -- asyncio's interface -------------------------------------------------------------------------------------------

    def time(self) -> float:
        return self.process.clock()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return self.process.lives != self.lives

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        if self.is_closed() and not self.closing:
            coro.close()  # it never begins
        self.tasks[task] = None
        task.add_done_callback(self.forget)
        return task

    def forget(self, task: asyncio.Task[Any]) -> None:
        """Take the end of a task."""
        self.tasks.pop(task, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something of which nothing awaits the result. A failure of it is one of the simulation."""
        task = self.create_task(work)
        task.add_done_callback(self.check)
        return task

    def check(self, task: asyncio.Task[None]) -> None:
        """Report the failure of a task."""
        if not task.cancelled() and not self.is_closed() and (error := task.exception()) is not None:
            self.world.failed = self.world.failed or error

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if self.closing or not self.is_closed():
            self.ready.append(handle)
            if not self.scheduled and not self.closing:
                self.scheduled = True
                self.process.after(0, self.run)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.count += 1
        heapq.heappush(self.timers, (when, self.count, handle))
        self.arm(when)
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        """Do nothing: a cancelled timer is skipped when it is due."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise the failure of a callback; a task that a dead process has left is none."""
        if (
            (error := context.get("exception")) is not None
            and not self.is_closed()
            and "never" not in context["message"]
        ):
            self.world.failed = self.world.failed or error

    # -- virtual time --------------------------------------------------------------------------------------------------

    def arm(self, when: float) -> None:
        """Run at a moment of the process's clock, which may change its rate meanwhile."""

        def due() -> None:
            if self.time() + EARLY < when:
                self.arm(when)
            else:
                self.run()

        self.process.after(max(0.0, when - self.time()), due)

    def run(self) -> None:
        """Run what is ready and what is due."""
        self.scheduled = True  # callbacks that are added meanwhile run too
        asyncio._set_running_loop(self)
        try:
            self.run_ready()
            now = self.time() + EARLY
            while self.timers and self.timers[0][0] <= now:
                handle = heapq.heappop(self.timers)[2]
                if not handle.cancelled():
                    handle._run()
                    self.run_ready()
        finally:
            asyncio._set_running_loop(None)
            self.scheduled = False

    def run_ready(self) -> None:
        """Run what is ready until nothing is."""
        while self.ready:
            handle = self.ready.popleft()
            if not handle.cancelled():
                handle._run()
                if self.world.failed is not None:
                    raise self.world.failed

    def close(self) -> None:
        """Cancel every task when the process has ended: nothing that they still do has an effect."""
        self.closing = True
        self.ready.clear()
        self.timers.clear()
        asyncio._set_running_loop(self)
        try:
            for task in list(self.tasks):
                task.cancel()
            while self.ready:
                self.ready.popleft()._run()
        finally:
            asyncio._set_running_loop(None)
            self.closing = False
