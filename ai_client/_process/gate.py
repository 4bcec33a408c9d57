"""The drain gate of a provider: counts calls and sessions, rejects new ones, cuts off the rest."""

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from .._call.labels import in_request, requests_are_served
from .._pool.starvation import Starvation
from ..errors import ClientClosedError

if TYPE_CHECKING:
    from .._io import IO

logger = logging.getLogger("ai_client")
_POLL_SECONDS = 0.25


@runtime_checkable
class EndableSession(Protocol):
    """A session that lasts until it is asked to end; its methods must not block and may be called by any thread."""

    def end(self) -> None:
        """Begin to end, as the application does."""
        ...

    def cut(self) -> None:
        """End at once: the time for ending is over."""
        ...


class DrainGate:
    """Counts the calls and sessions of a provider's clients, waits for them and cuts them off.

    Args:
        make_io: Makes, of a client and the gate, a way to wait that counts at the gate, over connections that are not
            closed with the application.

    Attributes:
        closing: Whether the end has begun: new calls are refused, save those of requests that are finished.
        cut: Whether those that were under way have been cut off as well.
        closed: Done when the clients are closed.
    """

    def __init__(self, make_io: "Callable[[Any, DrainGate], IO]") -> None:
        self._make_io = make_io
        self.closing = False
        self.cut = threading.Event()
        self.closed: Future[None] = Future()
        self._under_way: set[object] = set()
        self._changed = threading.Event()
        self._once = threading.Lock()
        self._finishes_requests = False
        self._ends_when_idle = False
        self._ends_now = False
        self._sleepers: set[asyncio.Future[None]] = set()
        self._ios: weakref.WeakKeyDictionary[Any, IO] = weakref.WeakKeyDictionary()

    def begin(self) -> object:
        """Count a call that begins in the current context, unless the gate is closed; return the token for `leave`.

        Raises:
            ClientClosedError: The application is shutting down.
        """
        if self.closing:
            self.admit()
        token = object()
        self._under_way.add(token)
        return token

    @contextlib.contextmanager
    def passing(self) -> Generator[None]:
        """Count what happens inside the block, unless it comes too late.

        Raises:
            ClientClosedError: The application is shutting down.
        """
        token = self.begin()
        try:
            yield
        finally:
            self.leave(token)

    def enter(self, token: object) -> None:
        """Count what begins; an `EndableSession` is asked to end with the application, and cut off when time is up.

        One that is entered after the cut is cut off at once.
        """
        self._under_way.add(token)
        if self.cut.is_set() and isinstance(token, EndableSession):
            token.cut()

    def leave(self, token: object) -> None:
        """Count what has ended."""
        self._under_way.discard(token)
        if self.closing and not self._under_way:
            self._changed.set()

    def forget(self, token: object) -> None:
        """Count something abandoned as ended; for finalizers, which must take no lock."""
        self._under_way.discard(token)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, nor any request served whose further calls would be let through."""
        return all(map(_is_stranded, list(self._under_way))) and not (
            self._finishes_requests and requests_are_served()
        )

    def refuse(self, *, finish_requests: bool = False) -> bool:
        """Reject new calls from now on; return whether this is the first time.

        With *finish_requests*, calls of requests are admitted until the cut-off: a server that is shutting down still
        hands requests to the application for a while, and does not announce when it stops.
        """
        if not self._once.acquire(blocking=False):  # a signal handler may interrupt, and must not wait
            return False
        self._finishes_requests = finish_requests
        self._ends_when_idle = not finish_requests
        self.closing = True
        return True

    def admit(self) -> None:
        """Admit a call that begins in the current context, unless the gate is closed.

        Raises:
            ClientClosedError: The application is shutting down, and the call is not of a request that is finished.
        """
        if self.closing and (self.cut.is_set() or not (self._finishes_requests and in_request())):
            raise ClientClosedError("The application is shutting down and takes no more AI calls.")

    def hurry(self, *, now: bool = False) -> None:
        """Make `wait_until_done` return once idle, or at once if *now*."""
        self._ends_when_idle = True
        self._ends_now = self._ends_now or now
        self._changed.set()

    def wait_until_done(self, seconds: float) -> None:
        """Ask sessions to end, and block until nothing more is to come, for at most so long."""
        deadline = time.monotonic() + seconds
        # A stream in a reference cycle, as the official SDK's are, counts until it is collected.
        garbage = Starvation(seconds, first=_POLL_SECONDS)
        self._tell("end")
        while (left := deadline - time.monotonic()) > 0:
            if self._ends_now or (self._ends_when_idle and self.idle):
                return
            if self._under_way and not garbage.pause():
                garbage.relieve()
                continue
            # Neither an abandoned stream nor the end of a request notifies the condition.
            self._changed.wait(min(left, _POLL_SECONDS))
            self._changed.clear()

    def _tell(self, what: Literal["end", "cut"]) -> None:
        """Call a method of each session; an error of one does not keep the others open."""
        for token in list(self._under_way):
            if isinstance(token, EndableSession):
                try:
                    getattr(token, what)()
                except Exception:
                    logger.exception("A session could not be ended.")

    def cut_off(self) -> None:
        """Cut off what is under way: close connections, end sessions and interrupt waits."""
        self.cut.set()
        self._tell("cut")
        for sleeper in list(self._sleepers):
            with contextlib.suppress(RuntimeError):  # its loop is closed
                sleeper.get_loop().call_soon_threadsafe(_wake, sleeper)

    def fail_if_cut(self, cause: BaseException | None = None) -> None:
        """Translate a failure after the cut-off to the error of a closed application.

        Raises:
            ClientClosedError: It has.
        """
        if self.cut.is_set():
            raise ClientClosedError(
                "The application's AI client was closed while this call was under way."
            ) from cause

    async def sleep(self, seconds: float) -> None:
        """Suspend for *seconds*, or until calls are cut off."""
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        timer = loop.call_later(seconds, _wake, sleeper)
        self._sleepers.add(sleeper)
        try:
            if not self.cut.is_set():
                await sleeper
        finally:
            timer.cancel()
            self._sleepers.discard(sleeper)

    def io_over(self, client: Any) -> "IO":
        """Make a way to wait that counts here, over connections that are not closed with the application."""
        return self._make_io(client, self)

    def io_of(self, client: Any) -> "IO":
        """Return the IO of another client that performs a call, counted by this gate."""
        if client._gate is self:
            io: IO = client.io
            return io
        made = self._ios.get(client)
        if made is None:
            made = self._ios[client] = self.io_over(client)
        return made


def _is_stranded(token: object) -> bool:
    """Return whether a token belongs to an event loop that is closed, so that it never leaves."""
    loop = getattr(token, "loop", None)
    return loop is not None and bool(loop.is_closed())


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
