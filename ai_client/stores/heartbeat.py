"""The heartbeat of a process: one background thread that renews what calls hold in shared stores while they last."""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf

from .._fork import PerProcess
from .._io import IO
from .base import Hold
from .store import Store

TICK = 0.5
"""Seconds between two looks of the thread at what is due."""
_BEATS_IN_LIFE = 5
"""How often a reservation is renewed while it would last, so that a few late beats do not end it."""
PATIENCE = 2.0
"""Seconds that the thread spends on one store, as it renews reservations in others besides."""
_IDLE_TICKS = 60
"""Looks at nothing after which the thread ends; a later renewal starts another."""

logger = logging.getLogger("ai_client")


class Renewal:
    """A function that the heartbeat calls regularly until it is stopped, or until it returns `False`.

    Attributes:
        every: Seconds from one call to the next.
        due: When it is called next, in seconds of `time.monotonic`.
    """

    __slots__ = ("_beat", "_process", "due", "every")

    def __init__(self, process: "_Heartbeat", beat: Callable[[], bool], every: float) -> None:
        self._process = process
        self._beat = beat
        self.every = every
        self.due = time.monotonic() + every

    def stop(self) -> None:
        """Stop it; a call under way in the thread goes on."""
        self._process.renewals.pop(self, None)

    def beat(self) -> None:
        """Call the function, and stop after `False` or an error."""
        self.due = time.monotonic() + self.every
        try:
            goes_on = self._beat()
        except Exception:
            logger.exception("Renewing a reservation failed; it expires unless its call ends before.")
            goes_on = False
        if not goes_on:
            self.stop()


class _Heartbeat:
    """The renewals of one process, and the thread that runs them."""

    def __init__(self) -> None:
        self.renewals: dict[Renewal, None] = {}
        self._lock = threading.Lock()
        self._beats = False

    def start(self, beat: Callable[[], bool], every: float) -> Renewal:
        """Call *beat* regularly, at first after *every* seconds."""
        renewal = Renewal(self, beat, every)
        self.renewals[renewal] = None
        if not self._beats:  # looked at afterwards: a thread that ends looks the other way round
            with self._lock:
                if not self._beats:
                    self._begin()
        return renewal

    def _begin(self) -> None:
        with suppress(RuntimeError):  # no thread can be started: the interpreter ends, and the calls with it
            threading.Thread(target=self._run, name="ai-client-heartbeat", daemon=True).start()
            self._beats = True

    def beat(self) -> None:
        """Run the renewals that are due before the next look."""
        soon = time.monotonic() + TICK
        for renewal in list(self.renewals):
            if renewal.due <= soon and renewal in self.renewals:
                renewal.beat()

    def _run(self) -> None:
        idle = 0
        while True:
            time.sleep(TICK)
            self.beat()
            idle = 0 if self.renewals else idle + 1
            if idle > _IDLE_TICKS:
                with self._lock:
                    self._beats = False
                    if not self.renewals:
                        return
                    self._beats = True


_here = PerProcess(_Heartbeat)


def keep_beating(beat: Callable[[], bool], every: float) -> Renewal:
    """Call a function regularly in the heartbeat's thread, at first after *every* seconds, until it returns `False`."""
    return _here().start(beat, every)


def keep_beating_for(beat: Callable[[], bool], every: float) -> Renewal:
    """Call a method like `keep_beating`, for as long as its object lives."""
    method = weakref.WeakMethod(beat)

    def beat_while_it_lives() -> bool:
        living = method()
        return living is not None and living()

    return keep_beating(beat_while_it_lives, every)


def keep_renewed(
    io: IO,
    store: Store,
    ticket: str,
    holds: Sequence[Hold],
    seconds: float,
    *,
    at_most: float = inf,
    owner: object = None,
) -> Renewal:
    """Renew a reservation by *seconds* at a time until the caller stops that, which it does before it settles.

    Where the process dies, or its threads stand still, the reservation expires within *seconds*.

    Args:
        io: Whose clock is read.
        store: The store that holds it.
        ticket: The ticket of its admission.
        holds: What was admitted.
        seconds: How long it lasts without a renewal.
        at_most: Seconds after which it is renewed no more, whatever became of the caller.
        owner: An object of the caller's, with which the renewal ends as well: a call whose event loop was closed, or a
            response that was dropped, may never settle.
    """
    end = inf if at_most == inf else io.now() + at_most
    living = None if owner is None else weakref.ref(owner)

    def renew() -> bool:
        if living is not None and living() is None:
            return False
        now = io.now()
        return now < end and store.renew(ticket, holds, now=now, expires=now + seconds)

    return _here.get().start(renew, seconds / _BEATS_IN_LIFE)
