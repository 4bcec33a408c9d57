"""Decoders are built beside the event loop, and once."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pydantic
import pytest

from ai_client import AsyncOpenAI, AsyncStream, BaseModel, Stream
from ai_client._client import decoders
from ai_client._fork import PerProcess
from ai_client._models import decode
from ai_client.testing import Upstream
from tests.support.forks import in_child, unannounced
from tests.support.invoke import Invoke

PATIENCE = 60.0


class Builds:
    """The building of decoders as it happens: by which threads, and what happens meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[int] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._build = decode._build_decoder
        monkeypatch.setattr(decode, "_build_decoder", self._note)

    def _note(self, cast_to: Any) -> Any:
        self.threads.append(threading.get_ident())
        self.meanwhile()
        return self._build(cast_to)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    """Watch how decoders are built."""
    return Builds(monkeypatch)


def new_type() -> Any:
    """Return a type that has no decoder."""

    class Answer(BaseModel):
        value: int

    return Answer


def test_where_a_decoder_is_built(invoke: Invoke, builds: Builds) -> None:
    """The async client builds a decoder in another thread, the sync client in place; both once."""
    answer = new_type()
    invoke.upstream.always(json={"value": 1})
    client = invoke.client()
    for _ in range(3):
        assert invoke(client.get, "/x", cast_to=answer).value == 1
    (thread,) = builds.threads
    assert (thread == threading.get_ident()) is invoke.sync


def test_decoder_of_events(invoke: Invoke, builds: Builds) -> None:
    """The decoder of a stream's items is built in the same place, and that of the whole answer is not."""
    item: Any = new_type() | new_type()
    client = invoke.client()
    invoke.upstream.reply(chunks=[b'data: {"value": 1}\n\n', b"data: [DONE]\n\n"])
    stream_cls = Stream[item] if invoke.sync else AsyncStream[item]
    stream = invoke(client.post, "/x", cast_to=new_type(), stream=True, stream_cls=stream_cls)
    assert [each.value for each in invoke.collect(stream)] == [1]
    (thread,) = builds.threads
    assert (thread == threading.get_ident()) is invoke.sync


def test_the_loop_goes_on(upstream: Upstream, builds: Builds) -> None:
    """While a decoder is built, other tasks of the event loop run."""
    upstream.always(json={"value": 1})
    answer = new_type()
    went_on = threading.Event()
    seen: list[bool] = []
    builds.meanwhile = lambda: seen.append(went_on.wait(PATIENCE))

    async def main() -> None:
        async with AsyncOpenAI(api_key="any", base_url=upstream.base_url) as client:
            call = asyncio.ensure_future(client.get("/x", cast_to=answer))
            while not builds.threads:
                await asyncio.sleep(0.001)
            went_on.set()
            assert (await call).value == 1

    asyncio.run(main())
    assert seen == [True]


def test_first_calls_share(upstream: Upstream, builds: Builds) -> None:
    """First calls at once, of several loops and clients, wait for one building, also where one of them is cancelled."""
    upstream.always(json={"value": 1})
    answer = new_type()
    all_wait = threading.Event()
    builds.meanwhile = lambda: all_wait.wait(PATIENCE)

    async def main(first: bool) -> None:
        async with AsyncOpenAI(api_key="any", base_url=upstream.base_url) as client:
            calls = [asyncio.ensure_future(client.get("/x", cast_to=answer)) for _ in range(5)]
            await asyncio.sleep(0)
            if first:
                while not builds.threads:
                    await asyncio.sleep(0.001)
                calls.pop(0).cancel()
                all_wait.set()
            assert [each.value for each in await asyncio.gather(*calls)] == [1] * len(calls)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(asyncio.run, main(first)) for first in (True, False)]
        for run in runs:
            run.result()
    assert len(builds.threads) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, unannounced], ids=["os.fork", "fork in C"])
def test_forked_meanwhile(upstream: Upstream, builds: Builds, fork: Callable[[], int]) -> None:
    """A child that is forked while a thread builds a decoder builds its own, and waits for nobody."""
    upstream.always(json={"value": 1})
    answer = new_type()
    forked = threading.Event()
    parent = os.getpid()
    builds.meanwhile = lambda: forked.wait(PATIENCE) if os.getpid() == parent else None

    async def call() -> int:
        async with AsyncOpenAI(api_key="any", base_url=upstream.base_url) as client:
            return int((await client.get("/x", cast_to=answer)).value)

    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(asyncio.run, call())
        while not builds.threads:
            time.sleep(0.001)
        assert in_child(lambda: asyncio.run(call()) == 1, fork)
        forked.set()
        assert begun.result() == 1


def test_no_thread_begins(upstream: Upstream, builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, as at the end of the interpreter, the decoder is built in place."""
    upstream.always(json={"value": 1})
    monkeypatch.setattr(decoders, "_thread", PerProcess(_at_its_end))

    async def main() -> int:
        async with AsyncOpenAI(api_key="any", base_url=upstream.base_url) as client:
            return int((await client.get("/x", cast_to=new_type())).value)

    assert asyncio.run(main()) == 1
    assert builds.threads == [threading.get_ident()]


def _at_its_end() -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    return executor


def test_a_type_that_has_no_decoder(invoke: Invoke) -> None:
    """What keeps a decoder from being built is raised on both clients alike, and not in a thread."""
    invoke.upstream.always(json=[])
    with pytest.raises(pydantic.PydanticSchemaGenerationError):
        invoke(invoke.client().get, "/x", cast_to=list[threading.Event])
