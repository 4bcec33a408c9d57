"""What comes in between: an answer while a request is being sent, errors of the operating system, Ctrl-C."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

from ai_client import APIConnectionError, APIStatusError, OpenAI
from ai_client.control import Concurrency, make_layers
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, events, framed, script
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Request, Script, Wire
from tests.support.invoke import CHAT, Invoke

PATIENCE = 30.0
MODEL = [b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}']
REFUSAL = [b'{"error": {"message": "Too large.", "code": "too_large"}}']
SIZE = 30_000_000
"""Bytes that no socket takes up at once."""


def uploads(client: Any) -> dict[str, Callable[[], Any]]:
    """Give ways to send much: from memory, from a file that is read as it is sent, and as one body."""
    return {
        "memory": lambda: client.files.create(file=b"x" * SIZE, purpose="batch"),
        "file": lambda: client.files.create(file=("x", Zeros()), purpose="batch"),
        "json": lambda: client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x" * SIZE}]
        ),
    }


class Zeros:
    """A file of which no length is known."""

    def __init__(self) -> None:
        self._left = SIZE

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes."""
        size = min(self._left, size if size > 0 else 1_000_000)
        self._left -= size
        return b"\0" * size


@pytest.mark.parametrize("kind", ["memory", "file", "json"])
@pytest.mark.parametrize("framing", FRAMINGS[:2])
def test_an_answer_before_the_request_is_sent(invoke: Invoke, wire: Wire, framing: Any, kind: str) -> None:
    """An answer that comes while the request is still being sent is the call's, though the server reads no more."""
    over = threading.Event()
    wire.hasty = True
    wire.play([*script(REFUSAL, framing, status=413), over])
    client = invoke.client(base_url=wire.base_url, max_retries=0, timeout=PATIENCE)
    with pytest.raises(APIStatusError, match="Too large") as caught:
        invoke(uploads(client)[kind])
    assert caught.value.status_code == 413
    over.set()
    wire.hasty = False
    wire.play(script(MODEL))
    assert invoke(client.models.retrieve, "m").id == "m"
    assert wire.opened == 2  # nothing more may go over a connection with half a request on it


@pytest.mark.parametrize("kind", ["memory", "file", "json"])
@pytest.mark.parametrize("end", [CLOSE, RESET])
def test_a_connection_that_ends_before_the_request_is_sent(
    invoke: Invoke, wire: Wire, kind: str, end: Any
) -> None:
    """A server that hangs up in the middle of a request is an error of the package, or has said why."""
    wire.hasty = True
    client = invoke.client(base_url=wire.base_url, max_retries=0, timeout=PATIENCE)
    for said in ([], script(REFUSAL, status=413)):
        wire.play([*said, end])
        with pytest.raises((APIStatusError, APIConnectionError)):
            invoke(uploads(client)[kind])
    wire.hasty = False
    wire.play(script(MODEL))
    assert invoke(client.models.retrieve, "m").id == "m"


def test_hints_while_the_request_is_sent(invoke: Invoke, wire: Wire) -> None:
    """A hint that comes while the request is still being sent is no answer, and the rest is sent."""
    wire.appetite = (1_000_000, 0.001)
    wire.hints = [b"HTTP/1.1 100 Continue\r\n\r\n" * 3]
    wire.play(script(MODEL))
    client = invoke.client(base_url=wire.base_url, max_retries=0, timeout=PATIENCE)
    invoke(uploads(client)["file"])
    assert len(wire.requests[0].body) > SIZE
    assert invoke(client.models.retrieve, "m").id == "m"
    assert wire.opened == 1


@pytest.mark.parametrize("at", [0, 1, 10])
def test_an_error_of_the_operating_system(wire: Wire, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """An `OSError` out of a send is an error of the package, whichever send it is, and closes the connection."""
    wire.play(script(MODEL))
    sends = 0

    class Failing(socket.socket):
        def send(self, *args: Any) -> int:
            nonlocal sends
            sends += 1
            if sends > at:
                raise OSError(105, "No buffer space available")
            return super().send(*args)

    with OpenAI(api_key="any", base_url=wire.base_url, max_retries=0, timeout=PATIENCE) as client:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", Failing)
            with pytest.raises(APIConnectionError):
                client.files.create(file=("x", Zeros()), purpose="batch")
        wire.wait_for(lambda: wire.open == 0)
        stats = client._sender.pool.stats()
        assert (stats.in_use, stats.open) == (0, 0)
        assert client.models.retrieve("m").id == "m"


@contextmanager
def ctrl_c(when: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl-C, once, as soon as something holds."""
    over = threading.Event()

    def press() -> None:
        while not when():
            time.sleep(0.005)
        while not over.wait(0.1):  # until it is heard: the first may come a moment before the waiting begins
            os.kill(os.getpid(), signal.SIGINT)
            return

    thread = threading.Thread(target=press)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        over.set()
        thread.join()


def first_is_held(request: Request) -> Script:
    """Keep the first request without an answer, and answer the others."""
    return [HOLD] if request.number == 0 else script(MODEL)


def held(client: OpenAI, wire: Wire) -> threading.Thread:
    """Make a call in another thread that lasts until its connection is closed."""

    def call() -> None:
        with pytest.raises(APIConnectionError):
            client.chat.completions.create(**CHAT)

    thread = threading.Thread(target=call)
    thread.start()
    wire.wait_for(lambda: len(wire.requests) == 1)
    return thread


def test_ctrl_c_while_waiting_for_a_connection(wire: Wire) -> None:
    """Ctrl-C in the queue for a connection leaves the queue, and its place to the next one."""
    wire.answer = first_is_held
    with OpenAI(api_key="any", base_url=wire.base_url, max_retries=0, max_connections=1) as client:
        pool = client._sender.pool
        thread = held(client, wire)
        with ctrl_c(lambda: pool.stats().waiting == 1):
            client.models.retrieve("m")
        assert pool.stats().waiting == 0
        busy = next(iter(pool._permits.busy))
        busy.stream.interrupt()
        thread.join()
        assert client.models.retrieve("m").id == "m"
        assert (pool.stats().in_use, pool.stats().waiting) == (0, 0)


def test_ctrl_c_while_waiting_in_the_queue(wire: Wire) -> None:
    """Ctrl-C in the queue of a policy leaves the queue, and its place to the next one."""
    wire.answer = first_is_held
    layers = make_layers({"concurrency": {"max_in_flight": 1, "queue_timeout": None}})
    (slots,) = layers
    assert isinstance(slots, Concurrency)
    with OpenAI(api_key="any", base_url=wire.base_url, max_retries=0, layers=layers) as client:
        thread = held(client, wire)
        with ctrl_c(lambda: slots.queue_length == 1):
            client.models.retrieve("m")
        assert (slots.in_flight, slots.queue_length) == (1, 0)
        next(iter(client._sender.pool._permits.busy)).stream.interrupt()
        thread.join()
        assert client.models.retrieve("m").id == "m"
        assert (slots.in_flight, slots.queue_length) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
def test_ctrl_c_while_waiting_for_an_answer(wire: Wire, stream: bool) -> None:
    """Ctrl-C while the server is silent closes the connection, and nothing is held any more."""
    wire.play([HOLD], script(MODEL))
    controls = {"concurrency": 1, "store": "memory://", "budgets": [{"tokens": 10**9, "per": "total"}]}
    layers = make_layers(controls)
    with OpenAI(api_key="any", base_url=wire.base_url, layers=layers, max_connections=1) as client:
        with ctrl_c(lambda: len(wire.requests) == 1):
            client.chat.completions.create(**CHAT, stream=stream)
        wire.wait_for(lambda: wire.open == 0)
        stats = client._sender.pool.stats()
        assert (stats.in_use, stats.open) == (0, 0)
        assert client.models.retrieve("m").id == "m"
        store = next(layer.store for layer in layers if getattr(layer, "store", None))
        assert store.instant.ledger("|tokens|total|UTC|all", time.time()).held == 0


def test_ctrl_c_in_the_middle_of_a_stream(wire: Wire) -> None:
    """Ctrl-C in the middle of a stream closes its connection."""
    pieces = framed([*events(b"{}", b"{}")], content_type=EVENT_STREAM)
    wire.play([pieces[0] + pieces[1], HOLD])
    with OpenAI(api_key="any", base_url=wire.base_url) as client:
        found: list[Any] = []
        stream = client.chat.completions.create(**CHAT, stream=True)
        with ctrl_c(lambda: len(found) == 1):
            iter_into(stream, found)
        wire.wait_for(lambda: wire.open == 0)
        assert client._sender.pool.stats().in_use == 0


def iter_into(stream: Any, found: list[Any]) -> NoReturn:
    """Collect the items of a stream as they come."""
    while True:
        found.append(next(stream))
