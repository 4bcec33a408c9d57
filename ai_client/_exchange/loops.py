"""Event loops of a process: the main loop, the background loop, and calls between loops."""

import asyncio
import contextlib
import contextvars
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from .._fork import here, in_child
from .._http.library import not_sent
from ..errors import ClientClosedError

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
Loop = asyncio.AbstractEventLoop

_STOP_SECONDS = 1.0
_FINISH_SECONDS = 1.0
_SHUT_DOWN = "The event loop that an AI call's connection belongs to was shut down."
_NO_THREAD = (
    "AI calls of an event loop that comes and goes need a thread of their own, and here threads are greenlets (gevent?)"
    " of which but one can run an event loop: use the sync client instead."
)


async def cross(
    loop: Loop,
    start: Callable[[], Coroutine[Any, Any, T]],
    *,
    undo: Callable[[T], Coroutine[Any, Any, object]] | None = None,
    firm: bool = False,
) -> T:
    """Run a coroutine on another running loop, in the caller's context, and wait for it.

    A cancelled caller cancels the coroutine and waits until it has ended; if *firm*, only waits.

    Args:
        loop: Where to run it.
        start: Gives the coroutine.
        undo: Discards a result that no caller waits for any more.
        firm: Whether the coroutine runs to its end whatever happens to the caller.

    Raises:
        ClientClosedError: The other loop was shut down under the coroutine.
    """
    passage = _Passage(loop, start, undo)
    cancelled = await passage.end(firm=firm)
    task = passage.task
    assert task is not None  # noqa: S101 - it has ended
    if cancelled is not None:
        if undo is not None and _succeeded(task):
            result = task.result()
            await cross(loop, lambda: undo(result), firm=True)
        raise passage.noted(cancelled, task)
    if task.cancelled():
        raise passage.noted(ClientClosedError(_SHUT_DOWN), task)
    return task.result()


class _Passage(Generic[T]):
    """A task on another loop, watched from the caller's."""

    def __init__(
        self,
        loop: Loop,
        start: Callable[[], Coroutine[Any, Any, T]],
        undo: Callable[[T], Coroutine[Any, Any, object]] | None,
    ) -> None:
        self.task: asyncio.Task[T] | None = None
        self._has_run = False
        self._loop = loop
        self._start = start
        self._undo = undo
        self._here = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._waiter: asyncio.Future[None] = self._here.create_future()
        self._reported = False

    async def end(self, *, firm: bool) -> asyncio.CancelledError | None:
        """Start the task and wait until it has ended; give what cancelled the caller meanwhile."""
        cancelled = None
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:  # it is closed
            raise not_sent(ClientClosedError(_SHUT_DOWN)) from None
        while not self._reported:  # although the task has ended: an unreported result is undone
            try:
                await self._waiter
            except asyncio.CancelledError as error:
                cancelled = error
                self._waiter = self._here.create_future()
                if not firm:
                    self._loop.call_soon_threadsafe(self._cancel)
        return cancelled

    def noted(self, error: E, task: asyncio.Task[Any]) -> E:
        """Note on an error what that of the ended task says of a request: whether anything of it was sent."""
        if not self._has_run:
            return not_sent(error)
        try:
            task.result()
        except BaseException as own:  # noqa: BLE001 - the caller is cancelled all the same
            sent = getattr(own, "may_have_been_sent", None)
            if sent is not None:
                error.may_have_been_sent = sent  # type: ignore[attr-defined]  # as `not_sent` does
        return error

    def _begin(self) -> None:
        self.task = self._loop.create_task(self._run(), context=self._context)
        self.task.add_done_callback(self._report)

    async def _run(self) -> T:
        self._has_run = True
        return await self._start()

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _report(self, task: asyncio.Task[T]) -> None:
        try:
            self._here.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the caller's loop is closed
            if self._undo is not None and _succeeded(task):
                keep(self._loop.create_task(self._undo(task.result())))

    def _settle(self) -> None:
        self._reported = True
        if not self._waiter.done():
            self._waiter.set_result(None)


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None


_kept: set[asyncio.Task[Any]] = set()


def keep(task: asyncio.Task[Any]) -> None:
    """Keep a reference to a task that is not awaited until it has ended."""
    _kept.add(task)
    task.add_done_callback(_kept.discard)


def finish_on(loop: Loop, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a coroutine on a running loop and block until it has ended, for a second at most.

    In the loop's own thread it is only begun.
    """
    if loop is asyncio._get_running_loop():
        keep(loop.create_task(start()))
        return
    ended: Future[None] = Future()
    with contextlib.suppress(TimeoutError, RuntimeError):  # the loop may end before
        loop.call_soon_threadsafe(_begin, loop, start, ended)
        ended.result(_FINISH_SECONDS)


async def finish_from_here(loop: Loop, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a coroutine on another running loop and wait until it has ended, for a second at most.

    It runs to its end whatever happens to the caller.
    """
    ended: Future[None] = Future()
    with contextlib.suppress(TimeoutError, RuntimeError):  # the loop may end before
        loop.call_soon_threadsafe(_begin, loop, start, ended)
        async with asyncio.timeout(_FINISH_SECONDS):
            await asyncio.shield(asyncio.wrap_future(ended))


def begin_on(loop: Loop, start: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a coroutine on a loop when it runs again, unless it is closed before."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_begin, loop, start, Future[None]())


def _begin(loop: Loop, start: Callable[[], Coroutine[Any, Any, object]], ended: "Future[None]") -> None:
    task = loop.create_task(start())
    keep(task)
    task.add_done_callback(lambda _: ended.set_result(None))


class _Background:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="ai-client-loop", daemon=True)
        self._thread.start()
        self._started.result()

    def _run(self) -> None:
        if asyncio._get_running_loop() is not None:
            self.loop.close()
            self._started.set_exception(RuntimeError(_NO_THREAD))
            return
        self.loop.call_soon(self._started.set_result, None)
        try:
            self.loop.run_forever()
            self._end_tasks()
        finally:
            self.loop.close()

    def _end_tasks(self) -> None:
        """Cancel the remaining tasks, so that waiters on other loops are woken."""
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=_STOP_SECONDS))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_STOP_SECONDS)


class _Process:
    """The loops of this process; a forked child starts with none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.background: _Background | None = None
        self.main: weakref.ref[Loop] | None = None


_process = _Process()
_parents: list[_Process] = []  # kept, since closing a parent's loop would disturb it there


def background_loop() -> Loop:
    """Return the process's background event loop; its thread starts on first use."""
    here()
    background = _process.background
    if background is None:
        with _process.lock:
            background = _process.background
            if background is None:
                background = _process.background = _Background()
    return background.loop


def stop_background_loop() -> None:
    """End the background loop; the next use starts another."""
    here()
    with _process.lock:
        background, _process.background = _process.background, None
    if background is not None:
        background.stop()


def main_loop() -> Loop | None:
    """Return the adopted main loop while it is open, else `None`."""
    here()
    loop = None if _process.main is None else _process.main()
    return None if loop is None or loop.is_closed() else loop


def adopt_main_loop() -> None:
    """Take the running loop for the main one of the process.

    Raises:
        RuntimeError: No loop of asyncio is running.
    """
    here()
    loop = asyncio._get_running_loop()
    if loop is None:
        raise RuntimeError(
            "The AI clients need a server that runs asyncio, and here runs another event loop or none. Under trio, "
            "start the server with asyncio: hypercorn --worker-class asyncio, or --worker-class uvloop."
        )
    _process.main = weakref.ref(loop)


def _start_empty() -> None:
    global _process  # noqa: PLW0603 - the process is another one
    _parents.append(_process)
    _process = _Process()


in_child(_start_empty)
