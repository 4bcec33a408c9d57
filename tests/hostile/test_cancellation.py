"""Cancellation at each await of a call, found by counting: it arrives, and nothing stays behind."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import openai
import pytest

from ai_client import AsyncOpenAI, InternalServerError
from ai_client._exchange.loop_sender import share
from ai_client._exchange.loops import stop_background_loop
from ai_client._io.async_io import AsyncIO
from ai_client.control import Call, Concurrency, Next, Record, Reply, make_layers
from ai_client.control.cache.policy import Cache
from ai_client.control.record import record_of
from ai_client.interop import official
from tests.support.hostile.census import finalize
from tests.support.hostile.framing import EVENT_STREAM, events, framed
from tests.support.hostile.wire import Request, Script, Wire
from tests.support.invoke import no_waiting
from tests.support.policies import Idle

T = TypeVar("T")
See = Callable[[Any], Any]
Moment = Literal["while it waits", "as it wakes", "twice"]
MOMENTS: tuple[Moment, ...] = ("while it waits", "as it wakes", "twice")
MOST = 400
"""More suspensions than any call here has."""
TOGETHER = 30.0
CHAT: dict[str, Any] = {"model": "a", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0}
ANSWER = (
    b'{"id": "x", "object": "chat.completion", "created": 1, "model": "a", "choices": [{"index": 0, "finish_reason":'
    b' "stop", "message": {"role": "assistant", "content": "Hi"}}],'
    b' "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}'
)
CHUNK = b'{"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "a", "choices": [{"index": 0, %b}]}'
CHUNKS = [
    CHUNK % b'"delta": {"content": "Hi"}, "finish_reason": null',
    CHUNK % b'"delta": {}, "finish_reason": "stop"',
]


async def _told(_: object) -> None:
    await asyncio.sleep(0)


async def _ask_twice(call: Call, proceed: Next) -> Reply:
    reply = await proceed(call)
    await reply.abandon(call.io)
    return await proceed(call)


CONTROLS: dict[str, dict[str, Any]] = {
    "none": {},
    "guardrails": {"guardrails": {"deadline": 60}},
    "fallback": {"models": {"a": ["broken", "b"]}, "breaker": False},
    "breaker": {"models": {"a": ["b"]}, "breaker": {"failures": 1}},
    "retry budget": {"retry_budget": True},
    "concurrency": {"concurrency": 1},
    "budgets": {"budgets": [{"requests": 10**6, "per": "total"}, {"tokens": 10**9, "per": "total"}]},
    "cost": {"cost": True},
    "rate limits": {"rate_limits": [{"requests": 10**6}, {"tokens": 10**9}]},
    "cache": {"cache": {"scope": "all"}},
    "policies": {
        "policies": [{"policy": _ask_twice, "place": "target"}],
        "budgets": [{"tokens": 10**6, "per": "total"}],
        "concurrency": 1,
    },
    "requests": {"budgets": [{"requests": 10**6, "per": "total"}]},
    "hooks": {"hooks": {"on_call": _told, "on_attempt": _told, "on_result": _told, "on_error": _told}},
}
STORED = ("budgets", "requests", "cost", "rate limits", "cache")
WITH_SLOTS = {f"{name} and slots": {**controls, "concurrency": 1} for name, controls in CONTROLS.items()}
"""Each of them around a bound on the calls at once, whose slot must come back whatever the outer one waits for."""


def as_it_is(client: Any) -> Any:
    """Return a client of ours."""
    return client


also_official = pytest.mark.parametrize(
    "see", [as_it_is, pytest.param(official, marks=pytest.mark.slow)], ids=["own", "official"]
)


class Interrupted(Awaitable[T]):
    """A coroutine that is run by hand, its suspensions counted, and its task cancelled at one of them.

    Args:
        coroutine: What to run.
        at: The number of the suspension, 0 for none.
        moment: Whether the task is cancelled while it waits, or in the round in which what it waits for is there; or
            while it waits, and again where it waits next, as while it cleans up.
        cancelled: Is called when the task is cancelled.
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        at: int = 0,
        moment: Moment = "while it waits",
        cancelled: Callable[[], object] = lambda: None,
    ) -> None:
        self.count = 0
        self._coroutine = coroutine
        self._at = at
        self._moment = moment
        self._cancelled = cancelled

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = lambda: self._coroutine.send(None)  # noqa: E731
        while True:
            try:
                waits_for = step()
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            self.count += 1
            if self.count == self._at or (self._moment == "twice" and self.count == self._at + 1 > 1):
                self._cancel_at(waits_for)
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - all of them are the coroutine's
                step = lambda error=error: self._coroutine.throw(error)  # noqa: E731
            else:
                step = lambda value=value: self._coroutine.send(value)  # noqa: E731

    def _cancel_at(self, waits_for: "asyncio.Future[Any] | None") -> None:
        task = asyncio.current_task()
        assert task is not None

        def cancel(_: object = None) -> None:
            self._cancelled()
            task.cancel()

        if waits_for is None or self._moment != "as it wakes":
            asyncio.get_running_loop().call_soon(cancel)
        else:
            waits_for.add_done_callback(cancel)  # before the task's own, which wakes it


@dataclass
class Service:
    """A client under some controls, and what it has sent."""

    client: AsyncOpenAI
    layers: Any
    seen: Any
    sent: int = 0
    sent_before: int = 0
    results: list[Any] = field(default_factory=list)

    def note(self) -> None:
        """Note how much was sent by now."""
        self.sent_before = self.sent

    async def ask(self, *, stream: bool) -> Any:
        """Make a call to its end."""
        if not stream:
            return (await self.seen.chat.completions.create(**CHAT)).choices[0].message.content
        found = ""
        async with await self.seen.chat.completions.create(**CHAT, stream=True) as chunks:
            async for chunk in chunks:
                found += chunk.choices[0].delta.content or ""
        return found

    async def check(self) -> None:
        """Check that nothing is left of a call that was cancelled, and that another one has the way free."""
        async with asyncio.timeout(TOGETHER):
            await self.client.io.ended()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others)
        assert self.sent == self.sent_before
        for sender in self.client._sender._senders.values():
            stats = sender.pool.stats()
            assert (stats.in_use, stats.waiting) == (0, 0)
        for layer in self.layers:
            if isinstance(layer, Concurrency):
                assert (layer.in_flight, layer.queue_length) == (0, 0)
            if isinstance(layer, Cache):
                flights = layer._flights
                assert not flights()
        store = next((layer.store for layer in self.layers if getattr(layer, "store", None)), None)
        if store is not None:
            io = self.client.io
            for unit in ("requests", "tokens"):
                ledger = await store.ledger(io, f"|{unit}|total|UTC|all", io.now())
                assert ledger.held == 0


def answer(request: Request) -> Script:
    """Answer in two writes, so that a reader has to wait for the second one."""
    if b'"broken"' in request.body:
        return framed([b"{}"], status=503)
    if b'"stream":true' in request.body.replace(b" ", b""):
        head, first, *rest = framed([*events(*CHUNKS)], content_type=EVENT_STREAM)
        return [head, first, b"".join(rest)]
    head, body, end = framed([ANSWER])
    return [head, body[:20], body[20:] + end]


@contextmanager
def serving(
    wire: Wire,
    controls: dict[str, Any],
    store: str,
    see: See = as_it_is,
    **options: Any,
) -> Iterator[Service]:
    """Give a service, whose store is closed afterwards; what *see* makes of its client is called."""
    layers = make_layers({**controls, "store": store}) if controls else ()
    client = AsyncOpenAI(
        api_key="any", base_url=wire.base_url, layers=layers, max_connections=1, max_retries=0, **options
    )
    service = Service(client, layers, see(client))
    send: Any = client._sender.exchange

    def counted(*args: Any, **kwargs: Any) -> Any:
        service.sent += 1
        return send(*args, **kwargs)

    client._sender.exchange = counted  # type: ignore[method-assign]
    try:
        yield service
    finally:
        for shared in {
            id(store): store for layer in layers if (store := getattr(layer, "store", None))
        }.values():
            shared.close()


def descriptors() -> int:
    """Count the descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def store_at(kind: str, path: Path, number: int) -> str:
    """Give the address of a fresh store."""
    return "memory://" if kind == "memory" else f"sqlite:///{path}/{number}.db"


async def interrupt(
    service: Service, make: Callable[[], Coroutine[Any, Any, Any]], at: int, moment: Moment
) -> int:
    """Run a call that is cancelled at one of its suspensions; give how many there were."""
    run = Interrupted(make(), at, moment, service.note)
    task = asyncio.ensure_future(_finish(run))
    async with asyncio.timeout(TOGETHER):
        await asyncio.wait([task])
    if run.count >= at > 0:
        assert task.cancelled(), (
            f"suspension {at} of {run.count}: not cancelled but {task.exception() or 'answered'}"
        )
    else:
        assert task.result() == "Hi"
    return run.count


async def _finish(run: Interrupted[T]) -> T:
    return await run


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("control", "kind"),
    [
        *((name, "memory") for name in CONTROLS),
        *((name, "sqlite") for name in STORED),
        *(pytest.param(f"{name} and slots", "memory", marks=pytest.mark.slow) for name in CONTROLS),
        *(pytest.param(f"{name} and slots", "sqlite", marks=pytest.mark.slow) for name in STORED),
    ],
)
def test_a_call_is_cancelled_at_each_await(  # noqa: PLR0917 - its parameters
    wire: Wire, tmp_path: Path, control: str, kind: str, stream: bool, moment: Moment
) -> None:
    """Wherever a call waits, its cancellation arrives, sends nothing more and leaves nothing behind."""
    wire.answer = answer
    _cancel_everywhere(wire, tmp_path, control, kind, stream=stream, moment=moment)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("control", "kind"),
    [
        *((name, "memory") for name in CONTROLS),
        *(pytest.param(name, "sqlite", marks=pytest.mark.slow) for name in STORED),
    ],
)
def test_a_call_of_an_official_client_is_cancelled_at_each_await(  # noqa: PLR0917 - its parameters
    wire: Wire, tmp_path: Path, control: str, kind: str, stream: bool, moment: Moment
) -> None:
    """The same holds for a call of the official SDK's client over ours."""
    wire.answer = answer
    _cancel_everywhere(wire, tmp_path, control, kind, stream=stream, moment=moment, see=official)


def _cancel_everywhere(
    wire: Wire,
    tmp_path: Path,
    control: str,
    kind: str,
    *,
    stream: bool,
    moment: Moment,
    see: See = as_it_is,
) -> None:
    """Cancel calls at each of their awaits, one by one, and check each time that nothing is left."""

    async def scenario() -> int:
        for at in range(1, MOST):
            with serving(
                wire,
                {**CONTROLS, **WITH_SLOTS}[control],
                store_at(kind, tmp_path, at),
                see,
                deadline=60,
            ) as service:
                before = asyncio.all_tasks()
                count = await interrupt(service, lambda: service.ask(stream=stream), at, moment)
                if count >= at:
                    await service.check()
                    assert await service.ask(stream=stream) == "Hi"
                if see is official:
                    await finalize(before)
                assert asyncio.all_tasks() <= before
                await service.client.close()
            if count < at:
                return at - 1
        raise AssertionError("It never ended.")

    asyncio.run(_warm_up(wire))
    before = descriptors()
    assert asyncio.run(scenario()) > 1
    assert descriptors() <= before + 1  # of the wire's own


async def _warm_up(wire: Wire) -> None:
    async with AsyncOpenAI(api_key="any", base_url=wire.base_url) as client:
        await client.chat.completions.create(**CHAT)


@also_official
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("who", ["the one in front", "the one behind"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("control", "kind"),
    [("none", "memory"), ("concurrency", "memory"), ("cache", "memory"), ("cache", "sqlite")],
)
def test_one_of_two_is_cancelled_at_each_await(  # noqa: PLR0917 - its parameters
    wire: Wire, tmp_path: Path, control: str, kind: str, stream: bool, who: str, moment: Moment, see: See
) -> None:
    """Of two calls that wait for each other, one is cancelled wherever it waits, and the other one is answered."""
    wire.answer = answer

    async def scenario() -> int:
        for at in range(1, MOST):
            with serving(wire, CONTROLS[control], store_at(kind, tmp_path, at), see) as service:
                plain = asyncio.ensure_future(service.ask(stream=stream)) if who == "the one behind" else None
                await asyncio.sleep(0)
                run = Interrupted(service.ask(stream=stream), at, moment)
                task = asyncio.ensure_future(_finish(run))
                await asyncio.sleep(0)
                other = plain or asyncio.ensure_future(service.ask(stream=stream))
                async with asyncio.timeout(TOGETHER):
                    await asyncio.wait([task, other])
                assert other.result() == "Hi"
                if run.count >= at:
                    assert task.cancelled(), f"suspension {at} of {run.count}"
                service.note()
                await service.check()
                assert await service.ask(stream=stream) == "Hi"
                await service.client.close()
            if run.count < at:
                return at - 1
        raise AssertionError("It never ended.")

    assert asyncio.run(scenario()) > 0


@also_official
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_probe_is_cancelled_at_each_await(  # noqa: PLR0917 - its parameters
    wire: Wire, tmp_path: Path, kind: str, stream: bool, moment: Moment, see: See
) -> None:
    """Where the one call that tries a broken target is cancelled, nothing of it stays, and the next one may try it."""
    is_down = True

    def answer_if_up(request: Request) -> Script:
        return framed([b"{}"], status=503) if is_down else answer(request)

    wire.answer = answer_if_up
    controls = {
        "breaker": {"failures": 1, "cool_down": 0.001, "shared": kind == "sqlite"},
        "budgets": [{"tokens": 10**9, "per": "total"}],
        "concurrency": 1,
    }

    async def scenario() -> int:
        nonlocal is_down
        for at in range(1, MOST):
            with serving(wire, controls, store_at(kind, tmp_path, at), see) as service:
                is_down = True
                with pytest.raises((InternalServerError, openai.InternalServerError)):
                    await service.ask(stream=stream)
                is_down = False
                await asyncio.sleep(0.002)
                count = await interrupt(service, lambda: service.ask(stream=stream), at, moment)
                if count >= at:
                    await service.check()
                assert await service.ask(stream=stream) == "Hi"
                await service.client.close()
            if count < at:
                return at - 1
        raise AssertionError("It never ended.")

    assert asyncio.run(scenario()) > 0  # over a kept connection a call may wait only once, for its answer


@also_official
@pytest.mark.usefixtures("no_loop_left")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_call_over_another_loop_is_cancelled_at_each_await(
    wire: Wire, stream: bool, moment: Moment, see: See
) -> None:
    """A call that crosses over to the loop that the process keeps is cancelled wherever it waits for that one."""
    wire.answer = answer

    async def scenario() -> int:
        for at in range(1, MOST):
            with serving(wire, CONTROLS["concurrency"], "memory://", see) as service:
                share(service.client)
                count = await interrupt(service, lambda: service.ask(stream=stream), at, moment)
                if count >= at:
                    await service.check()
                    assert await service.ask(stream=stream) == "Hi"
                await service.client.close()
            if count < at:
                return at - 1
        raise AssertionError("It never ended.")

    assert asyncio.run(scenario()) > 0


@also_official
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_call_that_is_tried_again_is_cancelled_at_each_await(wire: Wire, moment: Moment, see: See) -> None:
    """A call that waits between two attempts is cancelled there and sends no other one."""
    asked = 0

    def answer_the_second(request: Request) -> Script:
        nonlocal asked
        asked += 1
        return answer(request) if asked % 2 == 0 else framed([b"{}"], status=503)

    wire.answer = answer_the_second

    async def scenario() -> int:
        nonlocal asked
        for at in range(1, MOST):
            asked = 0
            with serving(wire, {"retry_budget": True}, "memory://", see) as service:
                service.client.max_retries = service.seen.max_retries = 1
                count = await interrupt(service, lambda: service.ask(stream=False), at, moment)
                if count >= at:
                    await service.check()
                await service.client.close()
            if count < at:
                return at - 1
        raise AssertionError("It never ended.")

    with no_waiting():
        assert asyncio.run(scenario()) > 2


def test_errors_of_what_is_gathered_hide_no_cancellation() -> None:
    """Who gathers and is cancelled hears of that, though what is gathered fails of it."""

    async def fails() -> None:
        try:
            await asyncio.sleep(TOGETHER)
        finally:
            raise ValueError

    async def scenario() -> None:
        io = AsyncIO(Idle())  # type: ignore[arg-type]
        task = asyncio.ensure_future(io.gather([fails, fails], 2))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(scenario())


def test_what_was_not_sent_when_it_was_cancelled_costs_nothing(wire: Wire) -> None:
    """A call that is cancelled before its request goes out is not taken for one that may have been billed."""
    records: list[Record] = []

    async def watch(call: Any, proceed: Any) -> Any:
        records.append(record_of(call))
        return await proceed(call)

    async def slow_key() -> str:
        await asyncio.sleep(TOGETHER)
        return "any"

    async def scenario(options: dict[str, Any], shared: bool) -> None:
        async with AsyncOpenAI(
            base_url=wire.base_url, max_connections=1, layers=[watch], **options
        ) as client:
            if shared:
                share(client)
            holder = None
            if options["api_key"] == "any":
                holder = await client.chat.completions.create(**CHAT, stream=True)
            task = asyncio.ensure_future(client.chat.completions.create(**CHAT))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert records[-1].billable == 0
            if holder is not None:
                await holder.close()

    held = threading.Event()
    wire.play([framed([b""], content_type=EVENT_STREAM)[0], held])
    for shared in (False, True):
        asyncio.run(scenario({"api_key": slow_key}, shared))
        asyncio.run(scenario({"api_key": "any"}, shared))
    held.set()
    stop_background_loop()
