"""What a pool does before it says that there is no connection: responses in reference cycles hold permits."""

import gc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client._pool import awaitable, base, blocking
from tests.both_pools import Pools, hold
from tests.raw_server import RawServer


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the collector from running by itself, and forget when it last ran."""
    monkeypatch.setattr(base, "_collected", 0.0)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def lose(pools: Pools, server: RawServer) -> None:
    """Let go of a response that is not read to its end, in a reference cycle."""
    response: Any = await hold(pools, server)
    response.itself = response


@pytest.mark.parametrize("timeout", [0.05, 5.0])
def test_a_starved_pool_collects_before_it_gives_up(
    both: type[Pools], server: RawServer, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permit of a response in a reference cycle is given to who waits for one, before that fails of waiting."""
    for module in (awaitable, blocking):
        monkeypatch.setattr(module, "STARVING", 0.2)

    async def scenario(pools: Pools) -> None:
        await lose(pools, server)
        assert pools.stats.in_use == 1
        assert await pools.ask(server.url, pool=timeout) == b"{}"
        assert pools.stats.in_use == 0

    both.run(scenario, max_connections=1)


def test_a_pool_without_a_limit_collects_too(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for as long as it takes is not kept waiting by garbage."""
    for module in (awaitable, blocking):
        monkeypatch.setattr(module, "STARVING", 0.05)

    async def scenario(pools: Pools) -> None:
        await lose(pools, server)
        assert await pools.ask(server.url, pool=None) == b"{}"

    both.run(scenario, max_connections=1)


def test_a_pool_collects_once_for_all_who_wait(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait in vain, garbage is collected once for all who began to wait before that."""
    runs: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: runs.append(1))

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        works = [lambda: pools.ask(server.url, pool=1.0)] * 8
        ended = await pools.together(works)
        assert [type(error) for error in ended] == [httpx.PoolTimeout] * 8
        await pools.close(response)

    both.run(scenario, max_connections=1)
    assert len(runs) == 1


def test_a_pool_that_is_waited_for_shortly_collects_nothing(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a permit comes in time, nothing is collected."""
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("it collected"))

    async def scenario(pools: Pools) -> None:
        assert await pools.together([lambda: pools.ask(server.url, pool=30.0)] * 8) == [b"{}"] * 8

    both.run(scenario, max_connections=1)
