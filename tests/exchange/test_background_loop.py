"""The way from one event loop to another."""

import asyncio
import contextlib
import contextvars
import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from ai_client import ClientClosedError
from ai_client._exchange import loops as _loops
from ai_client._exchange.loops import (
    background_loop,
    begin_on,
    cross,
    finish_from_here,
    finish_on,
    stop_background_loop,
)

pytestmark = pytest.mark.usefixtures("no_loop_left")

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


@asynccontextmanager
async def waiting_over_there() -> AsyncIterator[tuple[asyncio.Task[None], list[str]]]:
    """Start a crossing that waits for ever on the background loop; give its task and what happens there."""
    started = threading.Event()
    seen: list[str] = []

    async def wait() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            raise
        finally:
            seen.append("ended")

    task = asyncio.create_task(cross(background_loop(), wait))
    await asyncio.to_thread(started.wait)
    yield task, seen


def test_result_comes_back() -> None:
    """A coroutine runs in the background loop's thread, and its result is given to the caller."""

    async def thread() -> str:
        return threading.current_thread().name

    assert asyncio.run(cross(background_loop(), thread)) == "ai-client-loop"


def test_error_comes_back() -> None:
    """An exception over there is raised here."""

    async def fail() -> None:
        raise KeyError("over there")

    with pytest.raises(KeyError, match="over there"):
        asyncio.run(cross(background_loop(), fail))


def test_context_goes_along() -> None:
    """Context variables of the caller are seen over there."""

    async def name() -> str:
        return NAME.get()

    async def main() -> str:
        NAME.set("ann")
        return await cross(background_loop(), name)

    assert asyncio.run(main()) == "ann"


def test_cancelled_caller_waits_for_the_end() -> None:
    """Cancelling the caller cancels the coroutine over there, and returns when that has ended."""

    async def main() -> list[str]:
        async with waiting_over_there() as (task, seen):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return seen

    assert asyncio.run(main()) == ["cancelled", "ended"]


def test_timeout_crosses() -> None:
    """A deadline of the caller's ends the coroutine over there and shows as a timeout."""

    async def main() -> list[str]:
        async with waiting_over_there() as (task, seen):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await task
            return seen

    assert asyncio.run(main()) == ["cancelled", "ended"]


def test_firm_crossing_is_finished() -> None:
    """What has to be done is done over there although its caller is cancelled."""
    done: list[bool] = []

    async def main() -> None:
        started, go = threading.Event(), threading.Event()

        async def close() -> None:
            started.set()
            await asyncio.to_thread(go.wait)
            done.append(True)

        task = asyncio.create_task(cross(background_loop(), close, firm=True))
        await asyncio.to_thread(started.wait)
        task.cancel()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert done == [True]


def test_result_of_a_cancelled_caller_is_undone() -> None:
    """A result that comes although its caller was cancelled is taken back before the caller goes on."""
    undone: list[str] = []

    async def main() -> None:
        started = threading.Event()

        async def stubborn() -> str:
            try:
                started.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "an open response"
            return "never"

        async def undo(result: str) -> None:
            undone.append(result)

        task = asyncio.create_task(cross(background_loop(), stubborn, undo=undo))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert undone == ["an open response"]


def test_shut_down_loop_is_said() -> None:
    """A coroutine that is cancelled by its own loop fails with an error, not with a cancellation of the caller."""

    async def vanish() -> None:
        raise asyncio.CancelledError

    with pytest.raises(ClientClosedError, match="shut down"):
        asyncio.run(cross(background_loop(), vanish))


def test_stopped_loop_is_said() -> None:
    """Who waits for a coroutine on the background loop is told when that loop is stopped, and so is who comes later."""

    async def main() -> None:
        async with waiting_over_there() as (task, seen):
            loop = background_loop()
            await asyncio.to_thread(stop_background_loop)
            with pytest.raises(ClientClosedError, match="shut down"):
                async with asyncio.timeout(30):
                    await task
            assert seen == ["cancelled", "ended"]
            with pytest.raises(ClientClosedError, match="shut down"):
                await cross(loop, asyncio.Event().wait)

    asyncio.run(main())


def test_background_loop_is_one() -> None:
    """Threads that ask for the background loop at the same time get the same one."""
    loops: set[asyncio.AbstractEventLoop] = set()
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        loops.add(background_loop())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 1


def test_background_loop_that_is_slow_to_start_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the background loop is being started, others wait for it, and stopping it does."""
    stop_background_loop()
    starting, go = threading.Event(), threading.Event()
    made: list[_loops._Background] = []

    class Slow(_loops._Background):
        def __init__(self) -> None:
            starting.set()
            assert go.wait(30)
            super().__init__()
            made.append(self)

    monkeypatch.setattr(_loops, "_Background", Slow)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(background_loop)
        assert starting.wait(30)
        others = [pool.submit(background_loop) for _ in range(7)]
        stopping = pool.submit(stop_background_loop)
        with pytest.raises(TimeoutError):
            stopping.result(0.1)
        go.set()
        stopping.result(30)
        loops = {first.result(30), *(other.result(30) for other in others)}
    assert made[0].loop in loops
    assert made[0].loop.is_closed()
    assert len(made) <= 2


def test_result_for_a_loop_that_is_gone_is_undone() -> None:
    """A result whose caller's loop was closed meanwhile is taken back on the loop that it came from."""
    started, go, undone = threading.Event(), threading.Event(), threading.Event()

    async def work() -> str:
        started.set()
        await asyncio.to_thread(go.wait)
        return "an open response"

    async def undo(result: str) -> None:
        assert result == "an open response"
        undone.set()

    async def main() -> None:
        await asyncio.to_thread(started.wait)

    loop = asyncio.new_event_loop()
    crossing = cross(background_loop(), work, undo=undo)
    task = loop.create_task(crossing)
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    go.set()
    assert undone.wait(30)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    with contextlib.suppress(RuntimeError):
        crossing.close()


def test_finishing_waits_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is run on another loop is waited for, from a thread and from a loop, up to a bound; it goes on after."""
    loop = background_loop()
    seen: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(0.05)
        seen.append("quick")

    finish_on(loop, quick)
    assert seen == ["quick"]
    asyncio.run(finish_from_here(loop, quick))
    assert seen == ["quick", "quick"]
    monkeypatch.setattr(_loops, "_FINISH_SECONDS", 0.05)
    go, over = threading.Event(), threading.Event()
    others = set(_loops._kept)

    async def slow() -> None:
        await asyncio.to_thread(go.wait)
        over.set()

    finish_on(loop, slow)
    asyncio.run(finish_from_here(loop, slow))
    assert not over.is_set()
    assert len(_loops._kept - others) == 2
    go.set()
    assert over.wait(30)
    asyncio.run(cross(loop, lambda: asyncio.sleep(0.05)))
    assert not _loops._kept - others


def test_finishing_on_a_paused_or_closed_loop() -> None:
    """What is left to a loop between two runs is done when it runs again, and is dropped when it is closed."""
    loop = asyncio.new_event_loop()
    seen: list[str] = []

    async def close() -> None:
        seen.append("closed")

    begin_on(loop, close)
    assert not seen
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    assert seen == ["closed"]
    begin_on(loop, close)
    loop.close()
    begin_on(loop, close)
    finish_on(loop, close)
    asyncio.run(finish_from_here(loop, close))
    assert seen == ["closed"]


def test_background_loop_is_started_again() -> None:
    """After it was stopped, the next use has another one."""
    first = background_loop()
    stop_background_loop()
    assert first.is_closed()
    assert background_loop() is not first


def test_greenlets_in_place_of_threads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a new thread finds a loop running, as with gevent's, asking for the background loop is an error at once."""
    stop_background_loop()
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)

    async def ask() -> None:
        with pytest.raises(RuntimeError, match="use the sync client"):
            background_loop()

    asyncio.run(ask())
    monkeypatch.undo()
    assert background_loop().is_running()


def test_adopted_loop_is_held_weakly() -> None:
    """The main loop is forgotten when it is closed, and nothing here keeps it alive."""

    async def main() -> "weakref.ref[asyncio.AbstractEventLoop]":
        _loops.adopt_main_loop()
        assert _loops.main_loop() is asyncio.get_running_loop()
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(main())
    assert _loops.main_loop() is None
    gc.collect()
    assert loop() is None


def test_child_starts_without_loops() -> None:
    """A forked child has neither the main loop nor the background loop of its parent, and starts its own."""
    parents = background_loop()

    async def thread() -> str:
        return threading.current_thread().name

    child = os.fork()
    if child == 0:
        good = background_loop() is not parents and asyncio.run(cross(background_loop(), thread))
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asyncio.run(cross(parents, thread)) == "ai-client-loop"


def test_a_result_that_was_given_is_not_undone() -> None:
    """A caller whose loop ends as soon as it has its result keeps that, though the other loop was slow to report."""
    undone: list[str] = []
    home = background_loop()
    blocked, go = threading.Event(), threading.Event()

    class Slow:
        """The loop, to a caller that is slower than what it asks for."""

        def call_soon_threadsafe(self, callback: Callable[..., object]) -> None:
            home.call_soon_threadsafe(callback)
            blocked.wait(10)

        def __getattr__(self, name: str) -> Any:
            return getattr(home, name)

    def block() -> None:
        blocked.set()
        go.wait(10)

    async def work() -> str:
        home.call_soon(block)  # before what follows the end of this task
        return "result"

    async def undo(result: str) -> None:
        undone.append(result)

    timer = threading.Timer(0.3, go.set)
    timer.start()
    assert asyncio.run(cross(cast("asyncio.AbstractEventLoop", Slow()), work, undo=undo)) == "result"
    timer.join()
    assert asyncio.run(cross(home, lambda: asyncio.sleep(0, "after"))) == "after"
    assert asyncio.run(cross(home, lambda: asyncio.sleep(0, "after"))) == "after"
    assert undone == []
