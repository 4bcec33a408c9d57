"""The sync client in threads, over loopback: CPU time per call, and how the rate grows with threads and cores."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from . import payloads, same
from .contenders import CHAT, EVERYONE, HTTPX, OFFICIAL, OURS, SDKS, Contender, bare, calling, sdk
from .measure import Case, Opener, Run

THREADS = 32
SCALING = {
    1: "sync calls, 1 thread on one core",
    2: "sync calls, 2 threads on a core each",
    THREADS: f"sync calls, {THREADS} threads",
}
"""The cases of the rate, by threads; the figure is the time that passes per call."""
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
Clients = Callable[[Contender, str, int], AbstractContextManager[Any]]
"""Makes a contender's sync client for a base URL and so many threads."""


def cases() -> list[Case]:
    """Return the cases of sync clients."""
    return [
        _cpu("small call, loopback, sync, 1 in flight", 1, 200, EVERYONE, 15),
        _cpu(f"small call, loopback, {THREADS} threads", THREADS, 20 * THREADS, (HTTPX, *SDKS), 9),
        *(_rate(count) for count in SCALING),
    ]


def sync_opener(contender: Contender, threads: int, make: Clients | None = None) -> Opener:
    """Return what opens a contender's sync client and makes small calls in so many threads."""
    return partial(_open, contender, threads, make or _client, pinned=False)


def _cpu(name: str, threads: int, calls: int, taking_part: tuple[Contender, ...], rounds: int) -> Case:
    contenders = {one.name: sync_opener(one, threads) for one in taking_part}
    return Case(name, calls, contenders, rounds, settle=threads, step=threads)


def _rate(threads: int) -> Case:
    contenders: dict[str, Opener] = {
        one.name: timed(partial(_open, one, threads, _client, pinned=threads < THREADS))
        for one in (OURS, HTTPX, OFFICIAL)
    }
    return Case(SCALING[threads], 10 * THREADS, contenders, 9, settle=threads, unit="wall", step=threads)


def timed(opened: Opener) -> Opener:
    """Measure the time that passes, in microseconds per call, instead of CPU time."""
    return partial(_timed, opened)


@contextmanager
def _timed(opened: Opener, base_url: str) -> Iterator[Run]:
    with opened(base_url) as run:

        def passed(count: int) -> float:
            began = time.perf_counter()
            run(count)
            return (time.perf_counter() - began) / count * 1e6

        yield passed


def _client(contender: Contender, base_url: str, threads: int) -> Any:
    if contender.package:
        return sdk(contender, base_url, is_async=False)
    return bare(contender, threads, is_async=False)


@contextmanager
def _open(contender: Contender, threads: int, make: Clients, base_url: str, *, pinned: bool) -> Iterator[Run]:
    with make(contender, base_url, threads) as client:
        call = calling(contender, client, CHAT, payloads.SMALL, base_url)
        same.check(call(), payloads.completion())

        def work(calls: int, number: int) -> None:
            if pinned:
                _stay_on_core(number)
            for _ in range(calls):
                call()

        def run(count: int) -> None:
            if threads == 1:
                return work(count, 0)
            workers = [
                threading.Thread(target=work, args=(count // threads, number)) for number in range(threads)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return None

        yield run


def _stay_on_core(number: int) -> None:
    """Pin the current thread, where the system lets it."""
    if CORES:
        os.sched_setaffinity(0, {CORES[number % len(CORES)]})
