"""Many calls at once over a hostile wire: no answer comes at the wrong call, and nothing is left."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ai_client import AsyncOpenAI, ClientProvider, OpenAI
from ai_client._exchange.loops import stop_background_loop
from ai_client.interop import official
from tests.hostile.conftest import Tried
from tests.support.hostile.cells import level, seed
from tests.support.hostile.census import finalize, nothing_left
from tests.support.hostile.crowds import Crowd, Moods
from tests.support.hostile.visits import KEY, check_idle
from tests.support.hostile.ways import pools_of
from tests.support.hostile.wire import Wire

CALLS = {"few": 1_000, "sample": 6_000, "all": 51_000}[level()] // 3
"""The calls of each of the three crowds."""
IDENTS = [f"call-{number}" for number in range(CALLS)]


@pytest.fixture(params=[lambda client: client, official], ids=["own", "official"])
def see(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Return what makes of a client the one that is called."""
    made: Callable[[Any], Any] = request.param
    return made


@pytest.fixture
def crowd(wire: Wire, tried: Tried) -> Iterator[Crowd]:
    """Yield a crowd that calls the wire, whose calls must all have been answered right or failed as ours do."""
    wire.answer = moods = Moods(seed())
    crowd = Crowd(moods)
    with nothing_left():
        yield crowd
        wire.wait_for(lambda: wire.open == 0)
    assert crowd.wrong == []
    assert crowd.outcomes.total() == CALLS
    assert crowd.outcomes["right"] > CALLS * 0.7
    assert crowd.outcomes["failed"]
    tried(CALLS)


def options(wire: Wire) -> dict[str, object]:
    """Return the options of clients that have fewer connections than callers."""
    return {"api_key": KEY, "base_url": wire.base_url, "max_retries": 0, "timeout": 60, "max_connections": 6}


def test_threads(wire: Wire, crowd: Crowd, see: Callable[[Any], Any]) -> None:
    """Threads that share a client get their own answers."""
    with OpenAI(**options(wire)) as client:  # type: ignore[arg-type]
        for thread in crowd.by_threads(see(client), IDENTS):
            thread.join()
        for pool in pools_of(client):
            check_idle(pool)


def test_tasks(wire: Wire, crowd: Crowd, see: Callable[[Any], Any]) -> None:
    """Tasks that share a client get their own answers, those that are cancelled get none, and none is left."""

    async def main() -> None:
        async with AsyncOpenAI(**options(wire)) as client:  # type: ignore[arg-type]
            before = asyncio.all_tasks()
            await crowd.by_tasks(see(client), IDENTS)
            if see is official:
                gc.collect()
                await asyncio.sleep(0)
                await finalize(before)
            for pool in pools_of(client):
                check_idle(pool)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_threads_and_loops(wire: Wire, crowd: Crowd, see: Callable[[Any], Any]) -> None:
    """Threads and the loops of other threads that share a provider's clients get their own answers."""
    provider = ClientProvider(options(wire))
    half = len(IDENTS) // 2
    workers = crowd.by_threads(see(provider.client), IDENTS[:half])
    workers += crowd.by_loops(see(provider.async_client), IDENTS[half:])
    for worker in workers:
        worker.join()
    for pool in (*pools_of(provider.client), *pools_of(provider.async_client)):
        check_idle(pool)
    provider.close()
    stop_background_loop()
