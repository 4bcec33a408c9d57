"""Many calls at once over a hostile wire: no answer comes at the wrong call, and nothing is left."""

import asyncio
from collections.abc import Iterator

import pytest

from ai_client import AsyncOpenAI, ClientProvider, OpenAI
from ai_client._exchange.loops import stop_background_loop
from tests.hostile.conftest import Tried
from tests.support.hostile.cells import level, seed
from tests.support.hostile.census import nothing_left
from tests.support.hostile.crowds import Crowd, Moods
from tests.support.hostile.visits import KEY, check_idle
from tests.support.hostile.ways import pools_of
from tests.support.hostile.wire import Wire

CALLS = {"few": 1_000, "sample": 6_000, "all": 51_000}[level()] // 3
"""The calls of each of the three crowds."""
IDENTS = [f"call-{number}" for number in range(CALLS)]


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


def test_threads(wire: Wire, crowd: Crowd) -> None:
    """Threads that share a client get their own answers."""
    with OpenAI(**options(wire)) as client:  # type: ignore[arg-type]
        for thread in crowd.by_threads(client, IDENTS):
            thread.join()
        for pool in pools_of(client):
            check_idle(pool)


def test_tasks(wire: Wire, crowd: Crowd) -> None:
    """Tasks that share a client get their own answers, those that are cancelled get none, and none is left."""

    async def main() -> None:
        async with AsyncOpenAI(**options(wire)) as client:  # type: ignore[arg-type]
            await crowd.by_tasks(client, IDENTS)
            for pool in pools_of(client):
                check_idle(pool)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_threads_and_loops(wire: Wire, crowd: Crowd) -> None:
    """Threads and the loops of other threads that share a provider's clients get their own answers."""
    provider = ClientProvider(options(wire))
    half = len(IDENTS) // 2
    workers = crowd.by_threads(provider.client, IDENTS[:half])
    workers += crowd.by_loops(provider.async_client, IDENTS[half:])
    for worker in workers:
        worker.join()
    for pool in (*pools_of(provider.client), *pools_of(provider.async_client)):
        check_idle(pool)
    provider.close()
    stop_background_loop()
