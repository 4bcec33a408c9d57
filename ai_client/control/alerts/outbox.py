"""The alerts of one rule on their way to its receiver, delivered by a thread of their own."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..._fork import PerProcess
from ...errors import ConfigError, OpenAIError
from .alert import Alert
from .claims import CLAIM, AlertClaims, Claim
from .receivers import Receiver
from .webhook import DeliveryError

logger = logging.getLogger("ai_client.alerts")

_MOST = 100
"""Alerts that wait; further ones are dropped and logged."""
_MOST_KNOWN = 10_000
_IDLE = 30.0
"""Seconds after which the thread ends that has nothing to do; a later alert starts another."""


class _Notice(NamedTuple):
    key: str
    until: float
    make: Callable[[], Alert]


class _OutboxInProcess:
    """The alerts that wait in one process, its thread, and until when each alert needs no look."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a stream that is collected while it is held may hand over another one
        self.waiting: deque[_Notice] = deque()
        self.wake = threading.Event()
        self.thread: threading.Thread | None = None
        self.ends = False
        self.known: dict[str, float] = {}


class AlertOutbox:
    """Takes what a rule is to alert of, from any thread and event loop, without waiting for anything.

    Its thread asks the store whether another process has delivered the alert, delivers it, and notes that. What a
    receiver does not take is logged, and tried again when it happens again, after five minutes. A forked child
    begins with nothing: its parent delivers what was handed over there.

    Args:
        receiver: Who gets the alerts.
        claims: Which process delivers an alert.
    """

    def __init__(self, receiver: Receiver, claims: AlertClaims) -> None:
        self._receiver = receiver
        self._claims = claims
        self._here = PerProcess(_OutboxInProcess)

    def is_known(self, key: str) -> bool:
        """Return whether this process need not look at an alert now: it was seen to lately."""
        return self._here().known.get(key, 0.0) > time.time()

    def offer(self, key: str, until: float, make: Callable[[], Alert]) -> None:
        """Hand over an alert, which one of the processes delivers once.

        Args:
            key: What tells it apart from others of the rule.
            until: When there may be another one, in seconds since 1970.
            make: Makes it, in the thread.
        """
        here, now = self._here(), time.time()
        if here.known.get(key, 0.0) > now:
            return
        if len(here.known) >= _MOST_KNOWN:
            here.known.clear()  # the store knows them
        here.known[key] = min(until, now + CLAIM)
        if len(here.waiting) >= _MOST:
            logger.warning("An alert to %s is dropped, as %d others wait.", self._receiver.name, _MOST)
            return
        here.waiting.append(_Notice(key, until, make))
        here.wake.set()
        with here.lock:
            here.ends = False
            self._start(here)

    def end(self) -> None:
        """Have the thread end once everything is delivered."""
        here = self._here()
        here.ends = True
        here.wake.set()

    def join(self, deadline: float) -> None:
        """Wait for what `end` has begun, until a time of `time.monotonic`; log what is not delivered by then."""
        here = self._here()
        thread = here.thread
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
        elif here.waiting:  # no thread could be started, as the interpreter ends
            self._deliver_all(here, deadline)
        if here.waiting or here.thread is not None:
            logger.warning(
                "Alerts to %s are not delivered, as the application ends: %d wait.",
                self._receiver.name,
                len(here.waiting),
            )

    def _start(self, here: _OutboxInProcess) -> None:
        if here.thread is not None:
            return
        here.thread = threading.Thread(target=self._run, args=(here,), name="ai-client-alerts", daemon=True)
        try:
            here.thread.start()
        except RuntimeError:  # the interpreter ends
            here.thread = None

    def _run(self, here: _OutboxInProcess) -> None:
        while True:
            self._deliver_all(here)
            has_more = here.ends or here.wake.wait(_IDLE)
            here.wake.clear()
            if has_more and not here.ends:
                continue
            with here.lock:
                if not here.waiting:
                    here.thread = None
                    return

    def _deliver_all(self, here: _OutboxInProcess, deadline: float | None = None) -> None:
        while here.waiting and (deadline is None or time.monotonic() < deadline):
            notice = here.waiting.popleft()
            try:
                claim = self._claims.take(notice.key, notice.until)
                if claim is None:
                    continue
                self._receiver.send(notice.make())
            except (DeliveryError, ConfigError) as error:
                logger.warning("An alert was not delivered to %s: %s", self._receiver.name, error)
            except BaseException:  # such as a function's SystemExit: further alerts need this thread
                logger.exception("An alert was not delivered to %s.", self._receiver.name)
            else:
                here.known[notice.key] = notice.until
                self._note(claim)

    def _note(self, claim: Claim) -> None:
        try:
            self._claims.keep(claim)
        except OpenAIError as error:
            logger.warning("An alert was delivered to %s, but not noted: %s", self._receiver.name, error)
