"""Policies as an application writes them: of each form, and faulty ones."""

import os
import threading
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ai_client.control import Call, Next, Reply, StreamEnd


@dataclass(eq=False)
class Watch:
    """A policy that counts what passes it: calls, answers, events, and how streams ended."""

    calls: int = 0
    models: list[object] = field(default_factory=list[object])
    replies: int = 0
    events: int = 0
    ends: list[StreamEnd] = field(default_factory=list[StreamEnd])
    lock: Any = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        MADE.append(self)

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Count a call."""
        with self.lock:
            self.calls += 1
            if isinstance(call.body, dict):
                self.models.append(call.body.get("model"))
        reply = await proceed(call)
        with self.lock:
            self.replies += 1
        if not call.is_whole:
            reply.on_event.append(self._see)
            reply.on_end.append(self._end)
        return reply

    def _see(self, data: bytes) -> None:
        assert data
        with self.lock:
            self.events += 1

    async def _end(self, end: StreamEnd) -> None:
        with self.lock:
            self.ends.append(end)


MADE: list[Watch] = []
"""Every `Watch` in the order in which it was made."""
WATCH = Watch()


def make() -> Watch:
    """Make a policy."""
    return Watch()


make_partly = partial(Watch, calls=0)


async def watch(call: Call, proceed: Next) -> Reply:
    """Count a call by the one watch of this module."""
    return await WATCH(call, proceed)


def pass_on(call: Call, proceed: Next) -> Awaitable[Reply]:
    """Count a call likewise, without waiting for its answer."""
    return WATCH(call, proceed)


def fails() -> Watch:
    """Fail to make a policy."""
    raise LookupError("sk-planted-0123456789abcdef")


def makes_none() -> None:
    """Make nothing."""


async def makes_late() -> Watch:
    """Make a policy, but only when awaited."""
    return Watch()


class Needy(Watch):
    """A policy that cannot be made without arguments."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


class NoPolicy:
    """An object that takes no call."""


class TakesOne:
    """An object that is called with less than a policy."""

    async def __call__(self, call: Call) -> Reply:
        """Take a call alone."""
        raise AssertionError(call)


def either(call: object = None, proceed: object = None) -> Watch:
    """Make a policy, or be one: who can say."""
    raise AssertionError(call, proceed)


class Trail:
    """A policy that writes to the file `TRAIL` of the environment, in which process it was made and what it saw."""

    def __init__(self) -> None:
        self._note("made")

    def _note(self, what: str) -> None:
        with Path(os.environ["TRAIL"]).open("a") as file:
            file.write(f"{os.getpid()} {what}\n")  # a line at once, as several processes write

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Note a call, and how its stream ended."""
        reply = await proceed(call)
        if call.is_whole:
            await call.io.call_aside(self._note, "whole")
            return reply

        async def at_end(end: StreamEnd) -> None:
            await call.io.call_aside(self._note, "read" if end.complete else "left")

        reply.on_end.append(at_end)
        return reply


def make_trail() -> Trail:
    """Make a policy that writes."""
    return Trail()
