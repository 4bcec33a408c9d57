"""Sessions over WebSockets as part of their client's life: opened through its policies, counted, ended with it."""

import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from .._call.call import Call, Reply, StreamEnd
from .._call.labels import in_request, requests_are_served
from .._call.own_policy import show_event
from .._call.pipeline import chained
from .._call.retry import retry
from .._fork import PerProcess
from .._libraries import httpx
from ..errors import ClientClosedError, OpenAIError, WebSocketConnectionClosedError, members_of
from .event_rules import EventRules
from .session_usage import SessionMeter

if TYPE_CHECKING:
    from .client import SessionClient
    from .socket import Socket

QUIET_SECONDS = 1.0
"""Seconds without a message after which a session that was asked to end is closed."""
_POLL_SECONDS = 0.05
_ANSWER_BEGINS = frozenset({"response.create", "response.created"})
_ANSWER_ENDS = frozenset(
    {"response.done", "response.completed", "response.failed", "response.incomplete", "error"}
)

Connect = Callable[[Call], "Awaitable[tuple[Socket, httpx.Response]]"]


async def opened(client: "SessionClient", path: str, model: object, connect: Connect) -> "Session":
    """Open a session through the client's policies that know sessions.

    To them it is a streamed call that ends when the session does. A policy with `for_sessions = False` is passed by.

    Raises:
        ClientClosedError: The client is closed, or its application shuts down.
    """
    deadline = None if client.deadline is None else time.monotonic() + client.deadline
    body = {"model": model} if model else {}
    call = first = Call(
        client.io, "GET", path, None, body=body, stream=object, deadline=deadline, session=True
    )
    call.client = client
    answers: list[tuple[Reply, Socket]] = []

    async def last(call: Call) -> Reply:
        async def attempt(taken: int, _fresh: bool) -> Reply:
            socket, response = await connect(first.changed(via=call.via))
            answers.append((Reply(response, taken), socket))
            return answers[-1][0]

        reply = await retry(call, attempt, 0)
        meter = reply.meter = SessionMeter(call)
        if layers:
            reply.on_event.append(meter.see)
        return reply

    layers = [layer for layer in client._policies() if getattr(layer, "for_sessions", True)]
    reply: Reply | None = None
    with nullcontext() if client._gate is None else client._gate.passing():
        try:
            reply = await chained(layers, last)(call)
            socket = _socket_of(reply, answers)
            session = Session(client, call, reply, socket, EventRules(layers, call))
            session.begin()
        except BaseException as error:
            for _, socket in answers:
                socket.drop()
            if reply is not None:
                await reply.settle(call.io, StreamEnd(error, complete=False))
            raise
    return session


def _socket_of(reply: Reply, answers: "list[tuple[Reply, Socket]]") -> "Socket":
    """Return the socket of the answer that the policies settled on, and drop those of others."""
    found: Socket | None = None
    for one, socket in answers:
        if one is reply:
            found = socket
        else:
            socket.drop()
    if found is None:
        raise OpenAIError("A policy answered for the server, which no session can be made of.")
    return found


class Session:
    """One session across all the sockets it has had; any thread may end it.

    Attributes:
        socket: The open WebSocket.
        rules: Requirements of policies for the events that it sends.
        over: Whether it was closed from this side, so that it is not opened again.
        why: Why, where that was not its user.
        asked: Whether it was closed at the end of the application, with nothing under way.
    """

    def __init__(
        self, client: "SessionClient", call: Call, reply: Reply, socket: "Socket", rules: EventRules
    ) -> None:
        self.socket = socket
        self.rules = rules
        self.over = False
        self.why: ClientClosedError | None = None
        self.asked = False
        self.call = call
        self._client = client
        self._gate = client._gate
        self._reply = reply
        self._see = reply.on_event
        self._lock = threading.Lock()
        self._waiter: Any = None
        self._answering = False
        self._moved = time.monotonic()
        self._of_request = in_request()
        self._ender = call.io.ender()
        self._process = os.getpid()

    @property
    def loop(self) -> Any:
        """The event loop in which it is open; `None` in a thread."""
        return getattr(self.socket, "loop", None)

    def begin(self) -> None:
        """Count the session from now on.

        Raises:
            ClientClosedError: The client was closed while it was opened.
        """
        self._client._sessions.add(self)
        if self._gate is not None:
            self._gate.enter(self)
        self.check()

    def check(self) -> None:
        """Raise where the session's client was closed.

        Raises:
            ClientClosedError: It was.
        """
        if self.why is None and self._client.is_closed():
            self.cut()
        if self.why is not None:
            raise ClientClosedError(str(self.why))

    def seen(self, data: bytes) -> bool:
        """Note a message of the server's; return whether it is for the caller."""
        self._moved = time.monotonic()
        return show_event(self._see, data)

    def note(self, kind: str, event: object = None) -> None:
        """Note the type of an event that was sent or received."""
        self._moved = time.monotonic()
        if kind in _ANSWER_BEGINS:
            self._answering = True
            record = self.call.record
            if record is not None and record.model is None:
                members = members_of(event)
                record.model = members.get("model") or members_of(members.get("response")).get("model")
        elif kind in _ANSWER_ENDS:
            self._answering = False

    def explain(self, error: WebSocketConnectionClosedError) -> None:
        """Raise a better error than that the connection is closed, where it was closed with its client.

        Raises:
            ClientClosedError: The client was closed.
        """
        if self.why is not None:
            raise ClientClosedError(str(self.why)) from error

    async def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the session lives."""
        waiter = self.call.io.waiter()
        with self._lock:
            self._waiter = waiter
            over = self.over
        if not over:
            await self.call.io.wait(waiter, seconds)

    def adopt(self, socket: "Socket") -> bool:
        """Continue over another socket; if the session is over, close that socket and return `False`."""
        with self._lock:
            if not self.over:
                self.socket = socket
                return True
        socket.part()
        return False

    def shut(self) -> "Socket":
        """Open no socket any more; return the last one, to be closed."""
        with self._lock:
            self.over = True
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.open()
        return self.socket

    async def settle(self, error: BaseException | None, *, complete: bool = True) -> None:
        """Settle the session with the policies, once."""
        self._leave()
        await self._reply.settle(self.call.io, StreamEnd(self.why or error, complete=complete))

    def _leave(self) -> None:
        self._client._sessions.discard(self)
        if self._gate is not None:
            self._gate.leave(self)

    def end(self) -> None:
        """Close the session as soon as nothing has gone over it for a while and no answer is being made."""
        _endings().add(self)

    def end_if_quiet(self) -> bool:
        """Close the session if nothing is under way; return whether it is over."""
        if self.over:
            return True
        served = self._of_request and requests_are_served()
        if served or self._answering or time.monotonic() - self._moved < QUIET_SECONDS:
            return False
        self.asked = True
        self.shut().part()
        return True

    def cut(self) -> None:
        """Close the session now; readers and senders get an error with the reason."""
        self.part()

    def part(self) -> Callable[[], bool]:
        """Close the session now, from any thread; return a function that tells whether it is closed."""
        if not self.over:
            self.why = ClientClosedError("The client was closed while this session was open.")
        return self.shut().part()

    def drop(self) -> None:
        """Break the connection off, from any thread."""
        self.socket.drop()

    def forget(self) -> None:
        """Discard an abandoned session; for finalizers."""
        if self.over or self._process != os.getpid():  # a parent's is the parent's to end
            return
        self.over = True
        self.socket.drop()
        if self._gate is not None:
            self._gate.forget(self)
        self._client._sessions.discard(self)
        self._ender(self._reply.settle(self.call.io, StreamEnd(None, complete=False)))


class _Endings:
    """Sessions that were asked to end, looked at by one thread while there are any."""

    def __init__(self) -> None:
        self._asked: set[Session] = set()
        self._lock = threading.Lock()
        self._runs = False

    def add(self, session: Session) -> None:
        with self._lock:
            self._asked.add(session)
            if self._runs:
                return
            self._runs = True
        try:
            threading.Thread(target=self._run, name="ai-client-sessions", daemon=True).start()
        except RuntimeError:  # the interpreter ends: they are cut off at once
            self._runs = False

    def _run(self) -> None:
        while True:
            for session in list(self._asked):
                if session.end_if_quiet():
                    self._asked.discard(session)
            with self._lock:
                if not self._asked:
                    self._runs = False
                    return
            time.sleep(_POLL_SECONDS)


_endings: PerProcess[_Endings] = PerProcess(_Endings)
