"""An event loop whose time passes while nothing happens, so that hours take no time and nothing is late."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that takes its next timer's time for now as soon as nothing else is to be done."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        """Return the loop's own time."""
        return self._now

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def timers(self) -> int:
        """Count the timers that are set."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # no public name
        return sum(not handle.cancelled() for handle in scheduled)


class _Impatient(selectors.DefaultSelector):
    """A selector that lets the loop's time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; time passes where nothing is."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing will ever happen"
            self._loop.pass_time(max(timeout, 0))
        return ready


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
