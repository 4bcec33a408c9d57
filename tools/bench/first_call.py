"""The longest step of an event loop in a first call, in fresh interpreters, and what a first call costs a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from . import payloads
from .contenders import OFFICIAL, OURS, Contender
from .measure import Case, Opener, Run

_STALL = """
import asyncio, threading, time
from asyncio import events
import {package}
longest = [0.0]
run = events.Handle._run
def timed(handle):
    began = time.thread_time()
    try:
        run(handle)
    finally:
        longest[0] = max(longest[0], time.thread_time() - began)
async def call(client):
    answer = await client.{operation}(**{request!r})
    if {request!r}.get("stream"):
        async for _ in answer:
            pass
async def main():
    async with {package}.AsyncOpenAI(api_key="key", base_url={base_url!r}{options}) as client:
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join()
        events.Handle._run = timed
        await asyncio.create_task(call(client))
        events.Handle._run = run
asyncio.run(main())
print(longest[0] * 1e6)
"""
_CALLS = {
    "chat": ("chat.completions.create", payloads.SMALL),
    "streamed chat": ("chat.completions.create", {**payloads.SMALL, "stream": True}),
    "Responses": ("responses.create", {"model": payloads.MODEL, "input": "Say hello."}),
}


def cases() -> list[Case]:
    """Return the cases; the figure is the CPU time of the longest step, in microseconds."""
    return [_case(name, *what) for name, what in _CALLS.items()]


def _case(name: str, operation: str, request: dict[str, object]) -> Case:
    warm = f", warm=[{operation!r}]"
    contenders: dict[str, Opener] = {
        "ours": partial(_stall, OURS, operation, request, warm),
        "ours, cold": partial(_stall, OURS, operation, request, ""),
        OFFICIAL.name: partial(_stall, OFFICIAL, operation, request, ""),
    }
    return Case(f"longest step of the event loop in a first call, {name}", 1, contenders, rounds=5)


@contextmanager
def _stall(
    contender: Contender, operation: str, request: dict[str, object], options: str, base_url: str
) -> Iterator[Run]:
    code = _STALL.format(
        package=contender.package, operation=operation, request=request, base_url=base_url, options=options
    )
    command = [sys.executable, "-c", code]
    yield lambda _: float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
