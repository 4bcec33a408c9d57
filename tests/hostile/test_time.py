"""Deadlines and timeouts on a hostile wire: nothing waits longer than it may, and nothing is sent too late."""

import asyncio
import contextlib
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import APIConnectionError, APITimeoutError, ConfigError, DeadlineExceededError
from ai_client.control import Record, make_layers
from ai_client.control.record import record_of
from tests.support.hostile.framing import EVENT_STREAM, events, framed, script
from tests.support.hostile.wire import CLOSE, HOLD, Request, Script, Wire
from tests.support.invoke import CHAT, KEY, Invoke

DEADLINE = 0.3
LATE = 5.0
"""Seconds after which a call with `DEADLINE` has broken it, on however busy a machine."""
MODEL = [b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}']


@pytest.fixture(params=["pool", "httpx client"])
def options(request: pytest.FixtureRequest, invoke: Invoke) -> dict[str, Any]:
    """Give the options of a client over our own pool, and of one over a client of the HTTP library."""
    if request.param == "pool":
        return {}
    return {"http_client": httpx.Client() if invoke.sync else httpx.AsyncClient()}


def trickle(data: bytes, pause: float = 0.02) -> Iterator[bytes | float]:
    """Give a byte at a time, which takes many times the deadline in all."""
    for index in range(len(data)):
        yield data[index : index + 1]
        yield pause


def in_time(function: Callable[[], Any]) -> Any:
    """Call a function that has to be over soon after the deadline."""
    began = time.monotonic()
    try:
        return function()
    finally:
        assert time.monotonic() - began < LATE


@pytest.mark.parametrize("stream", [False, True])
def test_a_head_that_trickles_in(invoke: Invoke, wire: Wire, stream: bool) -> None:
    """The deadline ends a call whose answer's head never pauses for long."""
    wire.play([*trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: y\r\n" * 50), HOLD])
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.chat.completions.create, **CHAT, stream=stream))
    wire.wait_for(lambda: wire.open == 0)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_trickles_in(invoke: Invoke, wire: Wire, options: dict[str, Any], framing: Any) -> None:
    """The deadline ends a call whose body never pauses for long, and its connection."""
    pieces = framed([b" " * 200 + MODEL[0]], framing)
    wire.play([pieces[0], *trickle(b"".join(pieces[1:])), HOLD])
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE, **options)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.models.retrieve, "m"))
    wire.wait_for(lambda: wire.open == 0)


def test_hints_that_never_end(invoke: Invoke, wire: Wire) -> None:
    """A server that says `100 Continue` for ever is given up with an error of the package, without a deadline too."""
    wire.play([b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, HOLD])
    client = invoke.client(base_url=wire.base_url, max_retries=0)
    with pytest.raises(APIConnectionError):
        in_time(lambda: invoke(client.models.retrieve, "m"))
    wire.wait_for(lambda: wire.open == 0)


def test_hints_that_trickle_in(invoke: Invoke, wire: Wire) -> None:
    """The deadline ends a call that a server answers with hints alone."""
    wire.play([b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02] * 200)
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE, max_retries=0)
    with pytest.raises(APIConnectionError):
        in_time(lambda: invoke(client.models.retrieve, "m"))


def test_some_hints_are_read_over(invoke: Invoke, wire: Wire) -> None:
    """Hints before an answer are no part of it."""
    wire.play([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3, *script(MODEL)])
    client = invoke.client(base_url=wire.base_url)
    assert [invoke(client.models.retrieve, "m").id for _ in range(50)] == ["m"] * 50


def test_a_slow_reader_of_uploads(invoke: Invoke, wire: Wire) -> None:
    """The deadline ends an upload that the server takes up in small bites."""
    wire.appetite = (200_000, 0.03)
    wire.play(script(MODEL))
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.files.create, file=b"x" * 20_000_000, purpose="batch"))
    wire.wait_for(lambda: wire.open == 0)


def test_a_slow_source_of_uploads(invoke: Invoke, wire: Wire) -> None:
    """The deadline ends an upload whose own file is slow."""
    wire.play(script(MODEL))

    class Slow:
        end = time.monotonic() + 2 * LATE

        def read(self, size: int = -1) -> bytes:
            del size
            time.sleep(0.05)
            return b"x" * 1000 if time.monotonic() < self.end else b""

    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.files.create, file=("slow.txt", Slow()), purpose="batch"))


def test_a_stream_whose_body_comes_in_pieces(invoke: Invoke, wire: Wire, options: dict[str, Any]) -> None:
    """A stream with a deadline ends well whatever is left on the wire behind its end mark."""
    pieces = framed([*events(b"{}", b"{}")], content_type=EVENT_STREAM)
    wire.play([b"".join(pieces[:-1]), 0.02, pieces[-1]])
    client = invoke.client(base_url=wire.base_url, deadline=60, **options)
    for _ in range(3):
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        assert len(invoke.collect(stream)) == 2
    assert wire.opened == 1


def test_a_connection_is_given_on_without_its_deadline(
    invoke: Invoke, wire: Wire, options: dict[str, Any]
) -> None:
    """A call on a connection that another call with a deadline used has the time that it has itself."""
    pieces = framed([*events(b"{}", b"{}")], content_type=EVENT_STREAM)
    slow = [DEADLINE + 0.3, *script(MODEL)]
    wire.play([b"".join(pieces[:-1]), 0.02, pieces[-1]], script(MODEL), slow, slow)
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE, **options)
    assert len(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))) == 2
    assert invoke(client.models.retrieve, "m").id == "m"
    patient = client.with_options(deadline=None)
    assert invoke(patient.models.retrieve, "m").id == "m"
    assert invoke(patient.models.retrieve, "m").id == "m"
    assert wire.opened == 1


@pytest.mark.parametrize(
    "read", ["iter_bytes", "iter_lines", "iter_text", "stream_to_file", "read", "json", "parse"]
)
@pytest.mark.parametrize("limits", [{"deadline": DEADLINE}, {"timeout": 0.1, "max_retries": 0}])
def test_an_answer_left_on_the_wire(
    invoke: Invoke, wire: Wire, options: dict[str, Any], read: str, limits: dict[str, Any]
) -> None:
    """A body that the caller reads is over by the deadline, in words of the package whichever way it is read."""
    pieces = framed([b"{" * 10, b" "])
    wire.play([pieces[0] + pieces[1], HOLD])
    client = invoke.client(base_url=wire.base_url, **limits, **options)
    arguments = (os.devnull,) if read == "stream_to_file" else ()

    def take() -> None:
        with invoke.within(client.models.with_streaming_response.retrieve("m")) as response:
            if read.startswith("iter"):
                invoke.collect(getattr(response, read)())
            else:
                invoke(getattr(response, read), *arguments)

    with pytest.raises(APIConnectionError) as caught:
        in_time(take)
    assert type(caught.value) is (DeadlineExceededError if "deadline" in limits else APITimeoutError)


@pytest.mark.parametrize("read", ["iter_bytes", "iter_lines", "iter_text", "read"])
def test_an_answer_left_on_the_wire_breaks_off(
    invoke: Invoke, wire: Wire, options: dict[str, Any], read: str
) -> None:
    """A body that breaks off is an error of the package whichever way it is read."""
    wire.play([framed([b"x" * 100], "length")[0] + b"x", CLOSE])
    client = invoke.client(base_url=wire.base_url, max_retries=0, **options)
    manager = client.models.with_streaming_response.retrieve("m")
    with pytest.raises(APIConnectionError), invoke.within(manager) as response:
        invoke.collect(getattr(response, read)()) if read != "read" else invoke(response.read)


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("limits", [{}, {"deadline": 60}])
def test_a_body_that_breaks_off_lets_go_of_its_connection(
    invoke: Invoke, wire: Wire, options: dict[str, Any], status: int, limits: dict[str, Any]
) -> None:
    """Whether or not a deadline is set, an answer that breaks off is closed, at the last target of a chain too."""
    wire.play([framed([b"x" * 100], "length", status=status)[0] + b"x", CLOSE])
    layers = make_layers({"models": {"a": ["b", "c"]}})
    client = invoke.client(base_url=wire.base_url, max_retries=0, layers=layers, **limits, **options)
    errors = []
    for stream in (False, True):
        with pytest.raises(APIConnectionError) as caught:
            invoke(client.chat.completions.create, model="a", messages=[], stream=stream)
        errors.append(caught.value)
    if not options:
        pool = client._sender.pool if invoke.sync else next(iter(client._sender._senders.values())).pool
        assert pool.stats().in_use == 0
    wire.wait_for(lambda: wire.open == 0)


def dawdle(*_: object) -> None:
    """Take longer than the deadline, on a thread that nothing can interrupt."""
    time.sleep(DEADLINE + 0.1)


async def slow_layer(call: Any, proceed: Any) -> Any:
    """Dawdle before the call."""
    dawdle()
    return await proceed(call)


def slow_key() -> str:
    """Dawdle before giving the key."""
    dawdle()
    return KEY


async def slow_awaited_key() -> str:
    """Dawdle before giving the key."""
    return slow_key()


def sent_late(kind: str, invoke: Invoke) -> dict[str, Any]:
    """Give the options of a client that reaches the wire too late."""
    if kind == "layer":
        return {"layers": [slow_layer]}
    if kind == "key":
        return {"api_key": slow_key if invoke.sync else slow_awaited_key}
    return {"layers": make_layers({"hooks": {"on_call": dawdle}})}


@pytest.mark.parametrize("kind", ["layer", "key", "hook"])
@pytest.mark.parametrize("warm", [False, True])
def test_nothing_is_sent_too_late(
    invoke: Invoke, wire: Wire, options: dict[str, Any], kind: str, warm: bool
) -> None:
    """A call that was held up until its deadline is not sent, costs nothing, and says what happened."""
    wire.play(script(MODEL))
    records: list[Record] = []

    async def watch(call: Any, proceed: Any) -> Any:
        records.append(record_of(call))
        return await proceed(call)

    late = sent_late(kind, invoke)
    late["layers"] = [watch, *late.get("layers", [])]
    if warm:
        plain = invoke.client(base_url=wire.base_url, **options)
        invoke(plain.models.retrieve, "m")
        client = invoke(lambda: plain.with_options(deadline=DEADLINE, **late))
    else:
        client = invoke.client(base_url=wire.base_url, deadline=DEADLINE, **late, **options)
    sent = len(wire.requests)
    with pytest.raises(DeadlineExceededError):
        invoke(client.models.retrieve, "m")
    assert len(wire.requests) == sent
    assert (records[0].billable, records[0].lost) == (0, 0)


def test_a_place_in_the_pool_that_comes_too_late(invoke: Invoke, wire: Wire) -> None:
    """A call that waits for a connection until its deadline was not sent, costs nothing, and says what happened."""
    wire.play([framed([b"{}"], content_type=EVENT_STREAM)[0], HOLD])
    client = invoke.client(base_url=wire.base_url, max_connections=1)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    with pytest.raises(DeadlineExceededError) as caught:
        in_time(lambda: invoke(client.with_options(deadline=DEADLINE).models.retrieve, "m"))
    assert len(wire.requests) == 1
    invoke(stream.close)
    del caught


@pytest.fixture
def full() -> Iterator[str]:
    """Give the address of a server whose queue of connections is full, so that no other is ever made."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(20):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.2)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("here every connection is made")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_a_connection_that_is_never_made(invoke: Invoke, full: str) -> None:
    """Connecting ends with the timeout, and with the deadline, and a place in the pool is given back."""
    client = invoke.client(base_url=full, max_retries=0, max_connections=1, timeout=DEADLINE)
    for _ in range(2):
        with pytest.raises(APITimeoutError):
            in_time(lambda: invoke(client.models.retrieve, "m"))
    hurried = client.with_options(timeout=60, deadline=DEADLINE)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(hurried.models.retrieve, "m"))
    stats = client._sender.pool.stats() if invoke.sync else None
    assert stats is None or (stats.in_use, stats.open) == (0, 0)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("timeout", [0, 0.0, httpx.Timeout(5, read=0)])
def test_no_time_at_all(invoke: Invoke, wire: Wire, timeout: Any, warm: bool) -> None:
    """A timeout of nothing is a timeout, never an error of the operating system."""
    wire.play(script(MODEL))
    client = invoke.client(base_url=wire.base_url, max_retries=0)
    if warm:
        invoke(client.models.retrieve, "m")
    with pytest.raises(APITimeoutError):
        invoke(client.models.retrieve, "m", timeout=timeout)


@pytest.mark.parametrize("timeout", [1e10, 1e300, float("inf"), httpx.Timeout(1e12)])
def test_time_without_an_end(invoke: Invoke, wire: Wire, timeout: Any) -> None:
    """A timeout beyond what the operating system can count is refused before anything is sent; `None` is no bound."""
    wire.play(script(MODEL))
    client = invoke.client(base_url=wire.base_url)
    with pytest.raises(ConfigError, match="timeout must be"):
        invoke(client.models.retrieve, "m", timeout=timeout)
    assert not wire.requests
    assert invoke(client.models.retrieve, "m", timeout=None).id == "m"


def test_a_timeout_below_the_deadline(invoke: Invoke, wire: Wire, options: dict[str, Any]) -> None:
    """The shorter of both limits ends an attempt: silence for the timeout is tried again within the deadline."""
    wire.play([HOLD], script(MODEL))
    client = invoke.client(base_url=wire.base_url, deadline=60, timeout=0.2, max_retries=1, **options)
    assert invoke(client.models.retrieve, "m").id == "m"
    assert len(wire.requests) == 2
    wire.play([HOLD])
    with pytest.raises(APITimeoutError) as caught:
        invoke(client.with_options(max_retries=0).models.retrieve, "m")
    assert not isinstance(caught.value, DeadlineExceededError)


@pytest.mark.parametrize(
    "banner",
    [
        b"220 mail.example ESMTP\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\x00\x12\x04",
        b"H",
        b"http/1.1 200 OK\r\n",
    ],
)
@pytest.mark.parametrize("greets", [True, False])
def test_a_server_that_speaks_no_http(invoke: Invoke, wire: Wire, banner: bytes, greets: bool) -> None:
    """A server of another protocol is known by its first bytes, and not waited for."""
    if greets:
        wire.greeting = [banner, HOLD] if banner != b"H" else [b"HELO", HOLD]
    wire.play([banner if banner != b"H" else b"HTTPS", HOLD])
    client = invoke.client(base_url=wire.base_url, max_retries=0)
    with pytest.raises(APIConnectionError, match="does not speak HTTP"):
        in_time(lambda: invoke(client.models.retrieve, "m"))
    wire.wait_for(lambda: wire.open == 0)


def locked(path: Path) -> sqlite3.Connection:
    """Hold the write lock of a file."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_locked_store(invoke: Invoke, wire: Wire, tmp_path: Path) -> None:
    """A store that another process keeps locked holds a call up no longer than its deadline, and it is not sent."""
    wire.play(script(MODEL))
    controls = {"store": f"sqlite:///{tmp_path}/s.db", "budgets": [{"requests": 100, "per": "total"}]}
    layers = make_layers(controls)
    client = invoke.client(base_url=wire.base_url, layers=layers)
    invoke(client.chat.completions.create, **CHAT)
    other = locked(tmp_path / "s.db")
    sent = len(wire.requests)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.with_options(deadline=DEADLINE).chat.completions.create, **CHAT))
    other.execute("ROLLBACK")
    other.close()
    assert len(wire.requests) == sent
    invoke(client.chat.completions.create, **CHAT)
    ledger = layers[0].store.backend.ledger("|requests|total|UTC|all", time.time())
    assert (ledger.used, ledger.held) == (2, 0)
    layers[0].store.close()


def test_a_store_that_is_locked_when_the_answer_is_there(invoke: Invoke, wire: Wire, tmp_path: Path) -> None:
    """What a call used is counted although the store was locked until the deadline, and the answer is given."""
    layers = make_layers(
        {"store": f"sqlite:///{tmp_path}/s.db", "budgets": [{"requests": 100, "per": "total"}]}
    )
    lock: list[sqlite3.Connection] = []

    def answer(request: Request) -> Script:
        if not request.number:
            lock.append(locked(tmp_path / "s.db"))
        return script(MODEL)

    wire.answer = answer
    client = invoke.client(base_url=wire.base_url, layers=layers)
    try:
        in_time(lambda: invoke(client.with_options(deadline=1).chat.completions.create, **CHAT))
    except DeadlineExceededError:
        assert not invoke.sync  # its task is interrupted
    lock[0].execute("ROLLBACK")
    lock[0].close()
    invoke(client.chat.completions.create, **CHAT)
    layers[0].store.close()
    ledger = layers[0].store.backend.ledger("|requests|total|UTC|all", time.time())
    assert (ledger.used, ledger.held) == (2, 0)
    layers[0].store.backend.close()


def test_a_store_that_says_nothing(invoke: Invoke, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis server that accepts connections and is silent holds a call up no longer than its deadline."""
    pytest.importorskip("redis")
    wire.play(script(MODEL))
    with socket.create_server(("127.0.0.1", 0)) as silent, monkeypatch.context() as patch:
        patch.setattr("ai_client.stores.redis_nodes.TIMEOUT", 60.0)
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        layers = make_layers({"store": address, "budgets": [{"requests": 100, "per": "total"}]})
        client = invoke.client(base_url=wire.base_url, layers=layers, deadline=DEADLINE)
        with pytest.raises(DeadlineExceededError):
            in_time(lambda: invoke(client.chat.completions.create, **CHAT))
    layers[0].store.close()
    assert not wire.requests


@pytest.mark.parametrize("name", ["on_call", "on_error"])
def test_a_hook_that_never_ends(invoke: Invoke, wire: Wire, name: str) -> None:
    """Coroutine hooks before and after a call hold nobody up beyond its deadline."""
    wire.play([HOLD])

    over = threading.Event()

    async def hang(_: object) -> None:
        while not over.is_set():
            await asyncio.sleep(0.01)

    layers = make_layers({"hooks": {name: hang}})
    client = invoke.client(base_url=wire.base_url, deadline=DEADLINE, layers=layers)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.models.retrieve, "m"))
    over.set()


def test_a_queue_that_does_not_move(invoke: Invoke, wire: Wire) -> None:
    """A place in the queue that does not come by the deadline is a deadline that has passed."""
    wire.play([*framed([b"{}"], content_type=EVENT_STREAM)[:2], HOLD])
    client = invoke.client(base_url=wire.base_url, layers=make_layers({"concurrency": 1}))
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    with pytest.raises(DeadlineExceededError):
        in_time(lambda: invoke(client.with_options(deadline=DEADLINE).chat.completions.create, **CHAT))
    invoke(stream.close)
    assert len(wire.requests) == 1
