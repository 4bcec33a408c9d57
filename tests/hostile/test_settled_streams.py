"""What policies note of streams that end in odd ways: told as failures, counted as what may have been billed."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ai_client import AsyncOpenAI, OpenAI, OpenAIError
from ai_client.control import Call, Layer, Next, Reply, StreamEnd
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.assembly import make_layers
from ai_client.control.observability.hooks import Hooks
from ai_client.control.record import call_record
from ai_client.stores import Hold, open_store
from tests.support.hostile.census import settle
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, events, framed, script
from tests.support.hostile.shapes import chat_events, encoded
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke

START, *_ = framed([*events(*chat_events())], content_type=EVENT_STREAM)
PIECES = framed([*events(*chat_events(finish=None), end=None)], content_type=EVENT_STREAM)
BROKEN: dict[str, list[Step]] = {
    "truncated": [b"".join(PIECES)],
    "reset": [b"".join(PIECES[:-1]), 0.02, RESET],
    "cut": [b"".join(PIECES[:-1]), CLOSE],
    "empty": script([b""], content_type=EVENT_STREAM),
    "comment": script([b": x\n\n"], content_type=EVENT_STREAM),
    "error": script([*events(encoded({"error": {"message": "no"}}), end=None)], content_type=EVENT_STREAM),
    "noise": script([*events(b"\xff\xff", end=None)], content_type=EVENT_STREAM),
}


class Watch:
    """A policy that notes how streams end."""

    def __init__(self) -> None:
        self.ends: list[StreamEnd] = []

    async def __call__(self, call: Call, proceed: Next, /) -> Reply:
        """Send a call."""
        reply = await proceed(call)

        async def note(end: StreamEnd) -> None:
            self.ends.append(end)

        reply.on_end.append(note)
        return reply


def read(invoke: Invoke, client: Any, *, raw: bool = False) -> Any:
    """Read a stream to its end, whichever that is."""
    create = client.chat.completions.create
    if raw:
        create = client.chat.completions.with_streaming_response.create
        with suppress(OpenAIError), invoke.within(create(**CHAT, stream=True)) as unread:
            return invoke(unread.read)
        return None
    stream = invoke(create, **CHAT, stream=True)
    with suppress(OpenAIError):
        invoke.collect(stream)
    return stream


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stream_is_no_complete_one(wire: Wire, invoke: Invoke, name: str) -> None:
    """Policies hear of the error that ended a stream, once, and never that it was complete; hooks hear of a failure."""
    wire.play(BROKEN[name])
    watch, told = Watch(), list[Any]()
    failed: Callable[[Any], None] = told.append
    layers: list[Layer] = [watch, Hooks(on_error=failed, on_result=failed)]
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=layers)
    read(invoke, client)
    (end,) = watch.ends
    assert isinstance(end.error, OpenAIError)
    assert not end.complete
    (details,) = told
    assert details.error == type(end.error).__name__


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_whole_stream_is_complete(wire: Wire, invoke: Invoke, framing: Any) -> None:
    """Policies hear that a stream was whole when it was read to its end, and not when its reader left before."""
    wire.play(script([*events(*chat_events())], framing, content_type=EVENT_STREAM))
    watch = Watch()
    client = invoke.client(api_key=KEY, base_url=wire.base_url, layers=[watch])
    read(invoke, client)
    read(invoke, client, raw=True)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    invoke.next(stream)
    invoke(stream.close)
    create = client.chat.completions.with_streaming_response.create
    with invoke.within(create(**CHAT, stream=True)) as raw:
        invoke.next(raw.iter_bytes(10))
    assert [(end.error, end.complete) for end in watch.ends] == [
        (None, True),
        (None, True),
        (None, False),
        (None, False),
    ]


@pytest.mark.parametrize("name", ["reset", "cut"])
def test_an_unread_body_that_breaks_off(wire: Wire, invoke: Invoke, name: str) -> None:
    """Policies hear what broke a body that its caller read by itself."""
    wire.play(BROKEN[name])
    watch = Watch()
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[watch])
    read(invoke, client, raw=True)
    (end,) = watch.ends
    assert isinstance(end.error, OpenAIError)
    assert not end.complete


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stream_is_counted(wire: Wire, invoke: Invoke, name: str) -> None:
    """A stream that broke off counts with all that was set aside for it, as nobody knows what is billed beyond it."""
    wire.play(BROKEN[name])
    store = open_store("memory://")
    set_aside: list[int] = []
    admit = store.backend.admit

    def noting(ticket: str, holds: Sequence[Hold], *others: Any) -> Any:
        set_aside.extend(hold.amount for hold in holds)
        return admit(ticket, holds, *others)

    store.backend.admit = noting  # type: ignore[method-assign]
    budgets: Layer = Budgets([Budget(tokens=10_000)], store)
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[budgets])
    stream = read(invoke, client)
    record = call_record(stream)
    assert record is not None
    assert (record.attempts, record.billable) == (1, 1)
    assert record.usage is not None
    assert record.usage.source == "estimated"
    assert record.usage.input > 0
    assert (record.usage.output > 0) == (name in {"truncated", "reset", "cut"})
    backend: Any = store.backend
    (account,) = backend._state().accounts.values()
    assert (account.used, account.held) == (*set_aside, 0)
    assert account.used > record.usage.total


@pytest.mark.parametrize(
    "how", ["dropped with the last task", "kept beyond the loop", "held by a cancelled task"]
)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_stream_whose_loop_ends_is_counted(wire: Wire, tmp_path: Path, kind: str, how: str) -> None:
    """A stream that was left open counts, and gives back what was set aside, also where its loop ends before it."""
    wire.play([b"".join(PIECES[:2]), HOLD])
    place = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/s.db"}[kind]
    layers = make_layers({"store": place, "budgets": [{"tokens": 10**6, "per": "total"}], "cost": True})
    cost: Any = next(layer for layer in layers if hasattr(layer, "report"))
    store = cost.store
    client = AsyncOpenAI(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=layers)
    kept: list[Any] = []

    async def view() -> None:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        await anext(stream)
        if how.startswith("kept"):
            kept.append(stream)
        if how.startswith("held"):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(10)

    with suppress(asyncio.CancelledError):
        asyncio.run(view())
    kept.clear()
    gc.collect()
    assert settle(lambda: bool(cost.report())), "it was never counted"
    (row,) = cost.report()
    assert (row.calls, row.sums["estimated"]) == (1, 1)
    ledger = store.backend.ledger("|tokens|total|UTC|all", 0.0)
    assert ledger.used > 0
    assert ledger.held == 0
    asyncio.run(client.close())
    store.close()


def test_a_stream_that_the_collector_drops_waits_for_no_lock(wire: Wire) -> None:
    """A stream in a cycle is settled though its collection interrupts who holds a lock of its store."""
    wire.play([b"".join(PIECES[:-1]), HOLD])
    store = open_store("memory://")
    budgets: Layer = Budgets([Budget(tokens=10_000, per="total")], store)
    key = "|tokens|total|UTC|all"
    with OpenAI(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[budgets]) as client:
        cycle: list[Any] = [client.chat.completions.create(**CHAT, stream=True)]
        next(cycle[0])
        cycle.append(cycle)
        assert store.backend.ledger(key, 0.0).held

        def collect() -> None:
            with store.backend._state().lock:  # type: ignore[attr-defined]
                gc.collect()

        del cycle
        collecting = threading.Thread(target=collect, daemon=True)
        collecting.start()
        collecting.join(10.0)
        assert not collecting.is_alive()
        give_up = time.monotonic() + 10.0
        while store.backend.ledger(key, 0.0).held and time.monotonic() < give_up:
            time.sleep(0.01)
        ledger = store.backend.ledger(key, 0.0)
        assert (ledger.used > 0, ledger.held) == (True, 0)
