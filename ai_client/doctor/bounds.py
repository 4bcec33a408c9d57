"""How long examinations may take: each step has its own bound, and all of them together have one."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

SECONDS = 4.2
"""Within which every examination has ended."""
COLLECTING = 0.6
"""Seconds after that in which the results of those that ended at the last moment are still collected."""
RESOLVING, CONNECTING, TUNNELLING, SHAKING_HANDS, ASKING_PLAINLY, STORING, PRICING = (
    2.0,
    1.5,
    1.5,
    1.5,
    0.8,
    3.0,
    3.0,
)
"""Seconds for a name, a connection, a tunnel, a TLS handshake, asking a port what it speaks, a store, and
for loading prices."""


class Bound:
    """The time that is left for examinations.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.end = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return monotonic() >= self.end

    def left(self, most: float = SECONDS) -> float:
        """Return the seconds for a step that may take *most*; never less than a moment, in which it fails."""
        return max(0.001, min(most, self.end - monotonic()))


def within(seconds: float, work: Callable[[], T]) -> T:
    """Run *work* in a thread and return its result; a thread that hangs is left behind and keeps no process alive.

    Raises:
        TimeoutError: It has not ended in time.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()  # the application's, such as Flask's

    def run() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    in_thread(run)
    return done.result(seconds)


def in_thread(run: Callable[[], object]) -> None:
    """Run something in a thread that keeps no process alive, or at once where there are no threads."""
    try:
        threading.Thread(target=run, name="ai-client-doctor", daemon=True).start()
    except RuntimeError:  # of WebAssembly, or of a process that may have no more of them
        run()
