"""What a process has open: descriptors and threads, counted before and after."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_PATIENCE = 30.0
_KEPT = (
    "ThreadPoolExecutor",
    "ai-client-stream",
    "ai-client-close",
    "ai-client-heartbeat",
    "ai-client-decoders",
)
"""How threads are called of which there are at most a fixed number: of frameworks, and ours for
sync streams, for what calls have reserved, and the one that builds decoders.
"""


def descriptors() -> int:
    """Count the open descriptors of this process."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - the fastest way, asked twice for each of thousands of cells


def settle(holds: Callable[[], bool]) -> bool:
    """Return whether something comes to hold, which may need other threads to run."""
    if holds():
        return True
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        time.sleep(0.002)
        if holds():
            return True
    return False


def threads() -> list[str]:
    """Return the names of the threads of this process, without those that are kept for the next stream."""
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith(_KEPT)]


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that the block leaves neither descriptors nor threads behind."""
    opened, running = descriptors(), threads()
    yield
    assert settle(lambda: descriptors() <= opened), f"{descriptors() - opened} descriptors are left"
    assert settle(lambda: len(threads()) <= len(running)), f"more threads than {running}: {threads()}"


async def finalize(before: set[asyncio.Task[Any]]) -> None:
    """Let the running loop close the async generators that the official SDK dropped, in tasks that are new to it."""
    async with asyncio.timeout(60):
        while others := asyncio.all_tasks() - before:
            await asyncio.wait(others)
